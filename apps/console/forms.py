"""What staff type in."""

from django import forms
from django.conf import settings

from apps.agents.models import Agent
from apps.knowledge import library


class KnowledgeForm(forms.Form):
    name = forms.CharField(max_length=200, help_text="Visitors see it under answers, as the source.")
    description = forms.CharField(required=False, help_text="For your colleagues; visitors never see it.")
    content = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 12}), label="Text")
    file = forms.FileField(required=False, allow_empty_file=True, help_text=".md .txt .html .pdf .docx")
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
