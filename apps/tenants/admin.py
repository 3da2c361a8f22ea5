"""The operator's admin: tenants, and what one of them owns, but only after explicitly entering it, for an hour.

Going in, coming out and every key revoked is written into that tenant's own audit log, where its owners read it."""

import time
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from apps.tenants import accounts as accounts  # registers itself
from apps.tenants import actors, audit, keyring, scope
from apps.tenants.actors import Actor
from apps.tenants.middleware import OPERATOR_KEY, OPERATOR_UNTIL
from apps.tenants.models import ApiKey, AuditEntry, Membership, Tenant

VISIT = 3600  # seconds

# Their pages show what makes everybody's codes. `manage.py forget_second_factor` is for whoever lost theirs.
admin.site.unregister(TOTPDevice)
admin.site.unregister(StaticDevice)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Hidden, and refused by address, until the operator has entered a tenant; then to be looked at. What is to be changed is
    changed by the stories, with their checks and their lines in the audit log, which commands tell too."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return scope.current_or_none() is not None and super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return scope.current_or_none() is not None and super().has_view_permission(request, obj)

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
        _note(request, tenant, "operator.entered", minutes=VISIT // 60)
        request.session[OPERATOR_KEY], request.session[OPERATOR_UNTIL] = str(tenant.id), time.time() + VISIT
        self.log_change(request, tenant, "Entered this tenant's data.")
        self.message_user(
            request, f"You now see the data of {tenant}, for an hour. It was told so in its audit log."
        )

    @admin.action(description="Leave the entered tenant")
    def leave(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> None:
        entered = request.session.pop(OPERATOR_KEY, None)
        if tenant := Tenant.objects.filter(id=entered).first():
            _note(request, tenant, "operator.left")
        self.message_user(request, "You see no tenant's data any more.")

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        _note(
            request,
            obj,
            "organisation.changed" if change else "organisation.opened",
            fields=form.changed_data,
        )


def _note(request: HttpRequest, tenant: Tenant, action: str, **facts: Any) -> None:
    with scope.scoped_to(tenant.id), actors.acting(operator(request)):
        audit.note(action, tenant, **facts)


def operator(request: HttpRequest) -> Actor:
    """Whoever looks after the installation, as the audit logs of tenants name them."""
    who: Any = request.user
    return Actor("operator", str(who.pk), who.get_username())


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor_kind", "actor_name", "action", "target_name", "outcome")


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("user", "role")


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    actions = ("revoke",)
    list_display = ("name", "prefix", "created_at", "last_used_at", "revoked_at")
    fields = ("name", "prefix", "created_at", "last_used_at", "revoked_at")

    @admin.action(description="Revoke: it opens nothing from now on")
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiKey]) -> None:
        for key in chosen.filter(revoked_at=None):
            keyring.revoke(key)
