"""People's accounts in the operator's admin: what is done to one is told to every tenant that this person works for, and to all who
may enter them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.tenants import actors, audit
from apps.tenants.actors import Actor

admin.site.unregister(User)
admin.site.unregister(
    Group
)  # what roles may do stands in one table (roles.py); Django's permissions give nobody anything


@contextmanager
def acting_as(operator: Any) -> Iterator[None]:
    """Whichever tenant was entered: these deeds are the operator's own."""
    with actors.acting(Actor("operator", str(operator.pk), operator.get_username())):
        yield


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]  # not subscriptable when it runs
    """Whoever sets somebody's password can come in as them, so it is written down like coming in."""

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit)
        audit.note_of_person(user, "password.set")
        return user


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg]
    list_display = ("username", "email", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    change_password_form = PasswordForm
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email")}),
        ("Who may come in", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("When", {"fields": readonly_fields}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What somebody wrote keeps their name, and their memberships lie behind walls: make the account inactive instead."""
        return False

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        told = "Accounts are not deleted: chats and audit logs name them. Take away “active”, and nobody comes in by this one."
        self.message_user(request, told, messages.ERROR)
        return redirect("admin:auth_user_change", object_id)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with acting_as(request.user):
            return super().changeform_view(request, *args, **kwargs)

    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with acting_as(request.user), transaction.atomic():
            return super().user_change_password(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and form.changed_data:
            facts: dict[str, Any] = {
                field: [form.initial.get(field), form.cleaned_data[field]] for field in form.changed_data
            }
            audit.note_of_person(obj, "account.changed", **facts)
            if "is_superuser" in facts:
                audit.note_everywhere("operator.made" if obj.is_superuser else "operator.unmade", obj)
