"""The operator's admin: tenants, and what one of them owns, but only after explicitly entering it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.tenants import scope
from apps.tenants.middleware import OPERATOR_KEY
from apps.tenants.models import ApiKey, Membership, Tenant


class TenantOwnedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Hidden, and refused by address, until the operator has entered a tenant."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return scope.current_or_none() is not None and super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return scope.current_or_none() is not None and super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return scope.current_or_none() is not None and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return scope.current_or_none() is not None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return scope.current_or_none() is not None and super().has_delete_permission(request, obj)


class ReadOnlyAdmin(TenantOwnedAdmin):
    """For what only stories write: the operator may look, not touch."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Tenant)
class TenantAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "slug", "is_active", "is_entered", "created_at")
    prepopulated_fields = {"slug": ("name",)}
    actions = ("enter", "leave")

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        """Suspend it instead: deleting would take along what only its own scope may touch."""
        return False

    @admin.display(boolean=True, description="entered")
    def is_entered(self, tenant: Tenant) -> bool:
        return tenant.id == scope.current_or_none()

    @admin.action(description="Enter this tenant (recorded)")
    def enter(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> None:
        if chosen.count() != 1:
            self.message_user(request, "Choose exactly one tenant to enter.", messages.ERROR)
            return
        tenant = chosen.get()
        request.session[OPERATOR_KEY] = str(tenant.id)
        self.log_change(request, tenant, "Entered this tenant's data.")
        self.message_user(request, f"You now see the data of {tenant}.")

    @admin.action(description="Leave the entered tenant")
    def leave(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> None:
        request.session.pop(OPERATOR_KEY, None)
        self.message_user(request, "You see no tenant's data any more.")


@admin.register(Membership)
class MembershipAdmin(TenantOwnedAdmin):
    list_display = ("user", "role")


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    actions = ("revoke",)
    list_display = ("name", "prefix", "created_at", "last_used_at", "revoked_at")
    fields = ("name", "prefix", "created_at", "last_used_at", "revoked_at")

    @admin.action(description="Revoke: it opens nothing from now on")
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiKey]) -> None:
        for key in chosen.filter(revoked_at=None):
            key.revoke()
            self.log_change(request, key, "Revoked.")
