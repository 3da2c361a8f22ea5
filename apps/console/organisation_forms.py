"""What owners type in about their organisation."""

from typing import Any

from django import forms

from apps.agents.providers import catalogue
from apps.console.forms import AS_WRITTEN, SettingsForm
from apps.tenants import credentials, organisation
from apps.tenants.models import Tenant

MINUTES = "Enter a whole number of minutes, from 1 to 10080."
DAYS = "Enter a whole number of days, from 1 to 36500, or nothing."
LABELS = {"url": "Address of your own server", "api_key": "API key", "role": "Role to assume (ARN)"}
NUMBER = {"inputmode": "numeric", "autocomplete": "off"}


class OrganisationForm(SettingsForm):
    """Its names are those of organisation.SETTINGS; one entry a line where there may be several."""

    name = forms.CharField(
        max_length=120,
        widget=forms.TextInput(attrs=AS_WRITTEN),
        error_messages={"required": "Enter the organisation’s name."},
    )
    description = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs=AS_WRITTEN | {"rows": 3}),
        help_text="For your colleagues; visitors never see it.",
    )
    locale = forms.CharField(
        max_length=16,
        label="Language",
        help_text="As BCP 47 writes it, such as en, de or pt-BR.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    allowed_origins = forms.CharField(
        required=False,
        label="Pages that may embed the widget",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "dir": "ltr"}),
        help_text="One origin a line, such as https://shop.example. No others can talk to your agents.",
    )
    idle_minutes = forms.IntegerField(
        label="End a quiet chat after (minutes)",
        widget=forms.TextInput(attrs=NUMBER),
        help_text="From 1 to 10080 (a week). A chat in which nothing was said for so long has ended; "
        "the visitor’s next message opens it again.",
        error_messages=dict.fromkeys(("required", "invalid"), MINUTES),
    )
    retention_days = forms.IntegerField(
        required=False,
        label="Delete chats after (days)",
        widget=forms.TextInput(attrs=NUMBER),
        help_text="So long after their last message. This cannot be undone. Empty: chats are kept.",
        error_messages={"invalid": DAYS},
    )
    requires_two_factor = forms.BooleanField(
        required=False,
        label="Everybody who works here signs in with a second factor",
        help_text="Whoever has none is asked to set one up before they see anything else.",
    )
    providers = forms.MultipleChoiceField(
        required=False,
        label="Where agents may think",
        widget=forms.CheckboxSelectMultiple,
        help_text="An agent of a provider that is not chosen here stops answering.",
    )
    allowed_models = forms.CharField(
        required=False,
        label="Models they may use",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "dir": "ltr"}),
        help_text="One a line, such as ollama:llama3.2 or bedrock:*. Of a provider that is not named, all models.",
    )

    def __init__(self, data: Any, *, tenant: Tenant, may_change: bool) -> None:
        held = {field: getattr(tenant, field) for field in organisation.SETTINGS}
        lines = {field: "\n".join(held[field]) for field in ("allowed_origins", "allowed_models")}
        super().__init__(data, initial=held | lines)
        known = sorted({*catalogue.PROVIDERS, *tenant.providers})
        self.fields["providers"].choices = [(name, name) for name in known]  # type: ignore[attr-defined]
        for field in self.fields.values():
            field.disabled = not may_change

    def clean_allowed_origins(self) -> list[str]:
        return str(self.cleaned_data["allowed_origins"]).split()

    def clean_allowed_models(self) -> list[str]:
        return str(self.cleaned_data["allowed_models"]).split()


class CredentialForm(SettingsForm):
    """The fields that one provider asks for; what is kept is never filled in."""

    def __init__(self, provider: str, data: Any = None) -> None:
        super().__init__(data, prefix=provider)
        self.provider = provider
        for name in credentials.FIELDS[provider]:
            hidden = forms.TextInput if name in credentials.PLAIN else forms.PasswordInput
            self.fields[name] = forms.CharField(
                required=name not in credentials.OPTIONAL,
                max_length=credentials.LONGEST,
                label=LABELS.get(name) or name.replace("_", " ").capitalize(),
                widget=hidden(attrs={"autocomplete": "off", "spellcheck": "false"}),
                error_messages={"required": "This is needed."},
            )
