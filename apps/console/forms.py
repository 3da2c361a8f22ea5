"""What staff type in."""

from django import forms
from django.conf import settings

from apps.agents.models import Agent
from apps.knowledge import library

AS_WRITTEN = {"dir": "auto"}
TOO_LONG = "Shorten it to %(limit_value)d characters: it has %(show_value)d."


class KnowledgeForm(forms.Form):
    name = forms.CharField(max_length=200, help_text="Visitors see it under answers, as the source.")
    description = forms.CharField(required=False, help_text="For your colleagues; visitors never see it.")
    content = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 12}), label="Text")
    file = forms.FileField(
        required=False, allow_empty_file=True, help_text=".pdf .docx .pptx .xlsx .csv .html .md .txt .eml"
    )
    agents: "forms.ModelMultipleChoiceField[Agent]" = forms.ModelMultipleChoiceField(
        queryset=None, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["agents"].queryset = Agent.objects.order_by("name")  # type: ignore[attr-defined]

    def clean_file(self) -> library.File | None:
        upload = self.cleaned_data["file"]
        if upload is None:
            return None
        if upload.size > settings.MAX_UPLOAD_BYTES:
            raise forms.ValidationError(f"The file is larger than {settings.MAX_UPLOAD_BYTES // 2**20} MiB.")
        return library.File(upload.name, upload.read())


class SettingsForm(forms.Form):
    """What is refused comes back with the cursor where something is to be mended first."""

    def full_clean(self) -> None:
        super().full_clean()
        wrong = [name for name in self.errors if name in self.fields]
        if wrong:
            self.fields[wrong[0]].widget.attrs["autofocus"] = True


class CodeForm(SettingsForm):
    code = forms.CharField(
        max_length=40,
        label="Code",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}
        ),
        help_text="Six digits from your authenticator app, or one of your recovery codes.",
        error_messages={"required": "Enter the code that your app shows."},
    )
