"""What is typed in about people and keys."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from apps.console.forms import SettingsForm
from apps.tenants import keyring, members, roles
from apps.tenants.access import Admitted
from apps.tenants.models import Membership

FOR_EVER = "0"


class InviteForm(SettingsForm):
    email = forms.EmailField(
        max_length=150,
        label="E-mail address",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text="They sign in with it.",
        error_messages=dict.fromkeys(
            ("required", "invalid"), "Enter an e-mail address, such as ada@shop.example."
        ),
    )
    role = forms.ChoiceField(widget=forms.RadioSelect, initial=Membership.Role.STAFF)

    def __init__(self, data: Any = None, *, by: Admitted) -> None:
        super().__init__(data)
        self.fields["role"].choices = roles_for(by)  # type: ignore[attr-defined]


class KeyForm(SettingsForm):
    name = forms.CharField(
        max_length=80,
        help_text="What the key is for, so that you know which one to revoke.",
        error_messages={"required": "Give the key a name by which you will know it."},
    )
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        widget=forms.CheckboxSelectMultiple,
        initial=["chat"],
        error_messages={"required": "Choose at least one."},
    )
    days = forms.ChoiceField(
        label="Expires",
        initial="365",
        choices=[("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year"), (FOR_EVER, "Never")],
    )

    def __init__(self, data: Any = None, *, by: Admitted) -> None:
        super().__init__(data)
        offered = [
            (scope, f"{says} ({scope})")
            for scope, says in roles.SCOPES.items()
            if keyring.may_mint(by, scope)
        ]
        self.fields["scopes"].choices = offered  # type: ignore[attr-defined]

    @property
    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["days"]
        return None if days == FOR_EVER else timezone.now() + timedelta(days=int(days))


class SignUpForm(SettingsForm):
    name = forms.CharField(
        max_length=150,
        required=False,
        label="Your name",
        widget=forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"}),
        help_text="Colleagues see it, and visitors whom you answer.",
    )
    password = forms.CharField(
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters.",
        error_messages={"required": "Choose a password."},
    )


def roles_for(by: Admitted) -> list[tuple[str, str]]:
    """The roles that this person may give, with what each may do."""
    return [(role, SAID[role]) for role in reversed(Membership.Role.values) if members.may_give(by, role)]


SAID = {
    "staff": "Staff: read and answer chats",
    "manager": "Manager: also knowledge, agents, people, keys and the audit log",
    "owner": "Owner: also settings, credentials and who owns",
}
