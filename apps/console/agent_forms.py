"""What staff type in about an agent."""

from collections.abc import Sequence
from typing import Any

from django import forms

from apps.agents import versions
from apps.agents.configuration import FIELDS, MOST_CONTEXT, MOST_INSTRUCTIONS, Configuration
from apps.agents.models import Agent
from apps.agents.providers import catalogue
from apps.console.forms import AS_WRITTEN, TOO_LONG, SettingsForm
from apps.tenants import organisation

EXACT = {"autocomplete": "off", "spellcheck": "false", "dir": "ltr"}
NUMBER = EXACT | {"inputmode": "decimal"}
WHOLE = EXACT | {"inputmode": "numeric"}
TEMPERATURE = "Enter a number from 0 to 2, such as 0.2, or leave it empty."
TOP_P = "Enter a number from 0.01 to 1, such as 0.9, or leave it empty."
TOKENS = "Enter a whole number of tokens, without spaces."


class LinesField(forms.CharField):
    """A text of which each line that is not empty is one entry."""

    def __init__(self, *, rows: int = 3, **kwargs: Any) -> None:
        attrs = kwargs.pop("attrs", AS_WRITTEN)
        super().__init__(
            required=False, widget=forms.Textarea(attrs=attrs | {"rows": rows}), max_length=2000, **kwargs
        )

    def prepare_value(self, value: Any) -> Any:
        return value if value is None or isinstance(value, str) else "\n".join(value)

    def clean(self, value: Any) -> Any:
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]


class AgentForm(SettingsForm):
    """Its names are those of a configuration's fields."""

    GROUPS = (
        ("What visitors see", ("name", "greeting", "suggestions", "language")),
        ("How it answers", ("instructions", "only_from_knowledge", "refusal", "second_message")),
        ("Where it thinks", ("provider", "model", "fallbacks", "hands_over")),
        ("How the model writes", ("temperature", "max_tokens", "context_tokens", "top_p", "stop")),
    )

    name = forms.CharField(
        max_length=80,
        widget=forms.TextInput(attrs=AS_WRITTEN),
        help_text="Visitors see it at the top of the chat.",
        error_messages={"required": "Enter a name: visitors see who answers.", "max_length": TOO_LONG},
    )
    greeting = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs=AS_WRITTEN | {"rows": 3}),
        help_text="The first thing visitors read.",
        error_messages={
            "required": "Enter a greeting: it is the first thing visitors read.",
            "max_length": TOO_LONG,
        },
    )
    suggestions = LinesField(
        label="Suggested questions",
        help_text="One a line, at most six. Visitors may pick one instead of typing.",
    )
    language = forms.CharField(
        required=False,
        max_length=16,
        widget=forms.TextInput(attrs=EXACT),
        help_text="The language it answers in, such as en, de or pt-BR. Empty: the visitor’s.",
    )
    instructions = forms.CharField(
        required=False,
        max_length=MOST_INSTRUCTIONS,
        widget=forms.Textarea(attrs=AS_WRITTEN),
        help_text="How the agent should behave. Visitors never see it; put no secrets into it all the same.",
        error_messages={"max_length": TOO_LONG},
    )
    only_from_knowledge = forms.BooleanField(
        required=False,
        label="Answer only from knowledge",
        help_text="Where its knowledge has no answer, it says so instead of answering from what the model has learned.",
    )
    refusal = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs=AS_WRITTEN | {"rows": 3}),
        help_text="Said when the knowledge has no answer.",
        error_messages={
            "required": "Enter what the agent says when the knowledge has no answer.",
            "max_length": TOO_LONG,
        },
    )
    second_message = forms.ChoiceField(
        label="When a second message comes while a reply runs",
        widget=forms.RadioSelect,
        choices=[
            (Agent.SecondMessage.QUEUE, "Finish the reply, then answer the second message"),
            (Agent.SecondMessage.INTERRUPT, "Stop the reply and answer the second message"),
        ],
        error_messages={"required": "Choose one of the two.", "invalid_choice": "Choose one of the two."},
    )
    provider = forms.ChoiceField(
        help_text="Owners decide under Organisation which there are to choose from.",
        error_messages={"required": "Choose where it thinks.", "invalid_choice": "Choose one of the list."},
    )
    model = forms.CharField(
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs=EXACT),
        help_text="As the provider calls it, such as llama3.2. The builtin provider has only one: leave it empty.",
    )
    fallbacks = LinesField(
        label="When that fails",
        attrs=EXACT,
        help_text="Where it thinks instead, in this order. One a line: provider:model, such as ollama:llama3.2, or builtin.",
    )
    hands_over = forms.BooleanField(
        required=False,
        label="Ask a person when all of them fail",
        help_text="The chat then waits in the inbox.",
    )
    temperature = forms.FloatField(
        required=False,
        min_value=0,
        max_value=2,
        widget=forms.TextInput(attrs=NUMBER),
        help_text="From 0 (always alike) to 2 (hardly ever alike). Empty: the model’s own, since some take no other.",
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), TEMPERATURE),
    )
    max_tokens = forms.IntegerField(
        required=False,
        min_value=1,
        label="Longest answer (tokens)",
        widget=forms.TextInput(attrs=WHOLE),
        help_text="Empty: as long as the installation allows.",
        error_messages=dict.fromkeys(("invalid", "min_value"), TOKENS),
    )
    context_tokens = forms.IntegerField(
        min_value=1,
        max_value=MOST_CONTEXT,
        label="What the model is told at most (tokens)",
        widget=forms.TextInput(attrs=WHOLE),
        help_text="Instructions, passages, history and question share it. More costs more, and no model takes any number.",
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), TOKENS),
    )
    top_p = forms.FloatField(
        required=False,
        min_value=0.01,
        max_value=1,
        label="Share of likely words (top-p)",
        widget=forms.TextInput(attrs=NUMBER),
        help_text="From 0.01 to 1. Empty: the provider’s own.",
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), TOP_P),
    )
    stop = LinesField(label="Words to stop at", help_text="One a line, at most four. Most agents need none.")

    def __init__(self, data: Any, *, holds: Configuration) -> None:
        super().__init__(data, initial=holds.configuration)
        known = {*organisation.current().providers} & {*catalogue.PROVIDERS} | {holds.provider}
        self.fields["provider"].choices = [(name, name) for name in sorted(known)]  # type: ignore[attr-defined]

    @property
    def groups(self) -> list[tuple[str, list[Any]]]:
        return [(title, [self[name] for name in names]) for title, names in self.GROUPS]

    def explain(self, refused: versions.BadConfiguration) -> None:
        """Put what the story refused beside the fields."""
        for field, said in refused.errors.items():
            self.add_error(field, _once(said))
            self.fields[field].widget.attrs["autofocus"] = True


def _once(said: Sequence[str]) -> Any:
    return list(dict.fromkeys(said))


assert {*FIELDS} == {name for _, names in AgentForm.GROUPS for name in names}


class PublishForm(SettingsForm):
    note = forms.CharField(
        required=False,
        max_length=200,
        label="What has changed",
        widget=forms.TextInput(attrs=AS_WRITTEN | {"autocomplete": "off"}),
        help_text="For your colleagues; it stands beside the version.",
        error_messages={"max_length": TOO_LONG},
    )
