"""What staff say of a source: a document, or a website and how it is read."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.conf import settings

from apps.agents.models import Agent
from apps.knowledge import library
from apps.knowledge.models import Knowledge, Website

READING = ("scope", "include", "exclude", "depth", "most_pages", "every_hours")


class SourceForm(forms.Form):
    name = forms.CharField(max_length=200, help_text="Visitors see it under answers, as the source.")
    description = forms.CharField(required=False, help_text="For your colleagues; visitors never see it.")
    agents: "forms.ModelMultipleChoiceField[Agent]" = forms.ModelMultipleChoiceField(
        queryset=None, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["agents"].queryset = Agent.objects.order_by("name")  # type: ignore[attr-defined]

    def tried(self, story: Callable[..., Knowledge]) -> Knowledge | None:
        """What the story makes of this; None where it refuses, which then stands at the field."""
        told = {**self.cleaned_data, "agents": [one.id for one in self.cleaned_data["agents"]]}
        return _told_at(self, partial(story, **told))

    def bounds(self) -> list[forms.BoundField]:
        """The fields that most people leave as they are."""
        return [self[name] for name in READING if name in self.fields]


class ContentForm(forms.Form):
    content = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 12}), label="Text")
    file = forms.FileField(
        required=False, allow_empty_file=True, help_text=".pdf .docx .pptx .xlsx .csv .html .md .txt .eml"
    )

    def clean_file(self) -> library.File | None:
        upload = self.cleaned_data["file"]
        if upload is None:
            return None
        if upload.size > settings.MAX_UPLOAD_BYTES:
            raise forms.ValidationError(f"The file is larger than {settings.MAX_UPLOAD_BYTES // 2**20} MiB.")
        return library.File(upload.name, upload.read())

    def tried(self, story: Callable[..., Knowledge]) -> Knowledge | None:
        """As below. A file takes the place of the text that stood there already."""
        told = dict(self.cleaned_data)
        if told["file"] is not None and "content" not in self.changed_data:
            told["content"] = ""
        return _told_at(self, partial(story, **told))


class KnowledgeForm(SourceForm, ContentForm):
    field_order = ("name", "description", "content", "file", "agents")


class WebsiteForm(SourceForm):
    content = forms.CharField(
        label="Address",
        max_length=1000,
        help_text="Such as shop.example/help. It is read as robots.txt allows, at two pages a second.",
        widget=forms.TextInput(attrs={"dir": "ltr", "inputmode": "url", "autofocus": True}),
    )
    scope = forms.ChoiceField(
        choices=Website.Scope.choices, initial=Website.Scope.CRAWL, label="What is read"
    )
    include = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 2, "dir": "ltr"}), label="Only these paths",
        help_text="One a line, such as /help/* – empty for all.",
    )  # fmt: skip
    exclude = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 2, "dir": "ltr"}), label="Not these paths"
    )
    depth = forms.IntegerField(
        min_value=0, max_value=20, initial=4, label="Links away from the first page, at most"
    )
    most_pages = forms.IntegerField(min_value=1, max_value=5000, initial=200, label="Pages, at most")
    every_hours = forms.TypedChoiceField(
        coerce=int, choices=Website.Every.choices, initial=Website.Every.WEEK, label="Read again"
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = False
        kept = self.initial.get("every_hours")
        if kept is not None and kept not in Website.Every.values:  # set by a program
            self.fields["every_hours"].choices = [*Website.Every.choices, (kept, f"Every {kept} hours")]  # type: ignore[attr-defined]


class StartForm(forms.Form):
    address = forms.CharField(
        label="Your website’s address",
        max_length=1000,
        widget=forms.TextInput(
            attrs={"dir": "ltr", "inputmode": "url", "autofocus": True, "placeholder": "shop.example"}
        ),
    )
    allow = forms.BooleanField(
        required=False,
        initial=True,
        label="Let its pages show your agent",
        help_text="Puts its address on the list of allowed pages, which you change under Organisation.",
    )

    def __init__(self, *args: object, may_allow: bool, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        if not may_allow:
            del self.fields["allow"]


def _told_at(form: forms.Form, story: Callable[[], Knowledge]) -> Knowledge | None:
    """What the story makes of it; None where it refuses, which then stands at the field."""
    try:
        return story()
    except library.BadSource as error:
        field = error.field.rpartition(".")[2]
        form.add_error(field if field in form.fields else None, str(error))
        return None


def reading_of(website: Website | None) -> dict[str, Any]:
    return {name: getattr(website, name) for name in READING} if website else {}
