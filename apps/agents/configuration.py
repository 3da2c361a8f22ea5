"""What makes an agent: what it is told, where it thinks, and what it says of itself.

One set of columns for three tables: the agent, which holds what visitors get; its draft; and every version that was published."""

import re
from collections.abc import Collection
from math import isfinite
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models

from apps.agents import connections
from apps.agents.providers import catalogue
from apps.tenants import scope
from apps.tenants.models import Tenant
from apps.tenants.owned import TenantOwned

REFUSAL = "I could not find that in what I have been given to read, so I would rather not guess."
MOST_INSTRUCTIONS = 20_000  # characters
MOST_FALLBACKS, MOST_STOPS, MOST_SUGGESTIONS = 4, 4, 6
LEAST_CONTEXT, MOST_CONTEXT = 1_000, 1_000_000
MOST_OUTPUT = 100_000
INSTRUCTIONS = 0.4  # of what a model is told, at most, our own words among them
_OURS = 350  # tokens that those have, beside what the agent's own fields add (apps/chats/prompts.py)
_MARKS = re.compile(r"[<>\[|]")  # may be told as look-alikes, which are longer
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,2}")


def _between(least: float, most: float, what: str) -> list[Any]:
    """Both ends with one sentence, which says what would be right."""
    return [MinValueValidator(least, what), MaxValueValidator(most, what)]


class Configuration(TenantOwned):
    """All that staff decide about an agent. Names of fields are what pages, REST and commands call them."""

    class SecondMessage(models.TextChoices):
        QUEUE = "queue"
        INTERRUPT = "interrupt"

    name = models.CharField(
        max_length=80, error_messages={"blank": "Enter a name: visitors see who answers."}
    )
    instructions = models.TextField(
        blank=True,
        validators=[MaxLengthValidator(MOST_INSTRUCTIONS)],
        help_text="How the agent should behave; visitors never see it.",
    )
    provider = models.CharField(max_length=20, default="builtin")
    model = models.CharField(
        max_length=120, blank=True, help_text="As the provider calls it; empty for its only one."
    )
    temperature = models.FloatField(
        null=True,
        blank=True,
        default=0.2,
        validators=_between(0, 2, "Choose a temperature from 0 (always alike) to 2 (hardly ever alike)."),
        help_text="How much answers to the same differ; empty for the model's own, since some take no other.",
    )
    max_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=_between(
            1, MOST_OUTPUT, f"Choose from 1 to {MOST_OUTPUT} tokens, or leave it to the installation."
        ),
        help_text="Of an answer; empty for as many as the installation allows.",
    )
    top_p = models.FloatField(
        null=True,
        blank=True,
        validators=_between(0.01, 1, "Choose from 0.01 to 1, or leave it to the provider."),
        help_text="Take only the likeliest words that together make up this share; empty for the provider's own.",
    )
    stop = ArrayField(
        models.CharField(max_length=40), default=list, blank=True, help_text="Words at which an answer ends."
    )
    context_tokens = models.PositiveIntegerField(
        default=8_000,
        validators=_between(
            LEAST_CONTEXT, MOST_CONTEXT, f"Choose from {LEAST_CONTEXT} to {MOST_CONTEXT} tokens."
        ),
        help_text="How much the model is told at most: instructions, passages, history and question together.",
    )
    fallbacks = ArrayField(
        models.CharField(max_length=141),
        default=list,
        blank=True,
        help_text="Where it thinks when that fails, in this order: provider:model, such as ollama:llama3.2 or builtin.",
    )
    hands_over = models.BooleanField(
        default=False, help_text="Where nobody could answer, a person is asked to."
    )
    greeting = models.CharField(
        max_length=300,
        default="Hello. What would you like to know?",
        error_messages={"blank": "Enter a greeting: it is the first thing visitors read."},
    )
    suggestions = ArrayField(
        models.CharField(max_length=120),
        default=list,
        blank=True,
        help_text="Questions that are offered to whoever opens the chat.",
    )
    language = models.CharField(
        max_length=16,
        default="",
        blank=True,
        help_text="The language it answers in, as BCP 47; empty for the visitor's.",
    )
    refusal = models.CharField(
        max_length=300,
        default=REFUSAL,
        help_text="Said when the knowledge has no answer.",
        error_messages={"blank": "Enter what the agent says when the knowledge has no answer."},
    )
    only_from_knowledge = models.BooleanField(
        default=True, help_text="It says what its knowledge says, or that it does not know."
    )
    second_message = models.CharField(
        max_length=10,
        choices=SecondMessage.choices,
        default=SecondMessage.QUEUE,
        help_text="What a message does that comes while a reply runs: wait for its turn, or stop that reply.",
    )

    class Meta(TenantOwned.Meta):
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def minds(self) -> list[tuple[str, str]]:
        """Provider and model, the first one first, then those that take its place."""
        return [(self.provider, self.model), *map(split, self.fallbacks)]

    @property
    def configuration(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in FIELDS}

    def configure(self, wanted: dict[str, Any]) -> None:
        for name in FIELDS:
            if name in wanted:
                setattr(self, name, wanted[name])

    def validate(self, *, kept: "Configuration | None" = None) -> None:
        """Refuse what cannot hold, and minds that do not exist or that this tenant may not use, but for those that `kept` has
        already. Raises ValidationError, whose sentences say what to do."""
        wrong: dict[str, Any] = {}
        try:
            self.clean_fields(exclude=[one.name for one in self._meta.fields if one.name not in FIELDS])
        except ValidationError as error:
            wrong |= error.error_dict
        for name in sorted(set(FIELDS) - set(wrong)):
            held = getattr(self, name)
            if said := _unstorable(held) or (_CHECKS[name](held) if name in _CHECKS else None):
                wrong[name] = [ValidationError(said)]
        if not {"instructions", "context_tokens", "name", "refusal"} & set(wrong):
            wrong |= self._cut_short(kept)
        if not {"provider", "model", "fallbacks"} & set(wrong):
            wrong |= self._forbidden(kept.minds if kept is not None else ())
        if wrong:
            raise ValidationError(wrong)

    def _cut_short(self, kept: "Configuration | None") -> dict[str, Any]:
        """Instructions of which a model would only be told the beginning, unless they were so before."""
        fields = ("instructions", "context_tokens")
        needed = sum(map(_tokens, (self.instructions, self.name, self.refusal, self.language))) + _OURS
        is_kept = kept is not None and all(getattr(self, name) == getattr(kept, name) for name in fields)
        if not self.instructions or is_kept or needed <= int(self.context_tokens * INSTRUCTIONS):
            return {}
        least = -(-needed // (INSTRUCTIONS * 1000)) * 1000
        said = (
            "The end of these would never be told: instructions share two fifths of what the model is told. "
            f"Shorten them, or let it be told {least:,.0f} tokens instead of {self.context_tokens:,}."
        )
        return {"instructions": [ValidationError(said)]}

    def _forbidden(self, kept: Collection[tuple[str, str]]) -> dict[str, Any]:
        tenant = Tenant.objects.get(id=scope.current())
        wrong: dict[str, Any] = {}
        for place, mind in enumerate(self.minds):
            said = None if mind in kept else not_to_be_used(tenant, *mind)
            if said:
                field = "fallbacks" if place else "provider" if said[0] == "provider" else "model"
                wrong.setdefault(field, []).append(ValidationError(said[1]))
        return wrong


def _tokens(text: str) -> int:
    """Rather too many: of most languages a token holds three bytes or more."""
    return (len(text.encode()) + 2 * len(_MARKS.findall(text))) // 3 + 1


def split(mind: str) -> tuple[str, str]:
    """`provider:model`, or a provider alone."""
    provider, _, model = mind.partition(":")
    return provider, model


def not_to_be_used(tenant: Tenant, provider: str, model: str) -> tuple[str, str] | None:
    """What keeps agents of this tenant from thinking there: the field to blame, and a sentence for staff."""
    if provider not in catalogue.PROVIDERS:
        known = ", ".join(sorted(set(catalogue.PROVIDERS) & set(tenant.providers)))
        return "provider", f"There is no provider called {provider!r}. Choose from {known or 'none yet'}."
    if not tenant.may_use(provider):
        return (
            "provider",
            f"This tenant may not use {provider!r}. Choose another, or ask an owner to allow it under Organisation.",
        )
    if not tenant.may_use(provider, model):
        allowed = [one for one in tenant.allowed_models if one.startswith(f"{provider}:")]
        return (
            "model",
            f"This tenant may not use {model!r}. Of {provider} it may use {', '.join(allowed)}.",
        )
    withheld = connections.withheld(provider, model)
    return ("model", withheld) if withheld else None


def _unstorable(held: Any) -> str | None:
    if isinstance(held, float) and not isfinite(held):
        return "Write a number."
    texts = [one for one in (held if isinstance(held, list) else [held]) if isinstance(one, str)]
    if any("\0" in one or any("\ud800" <= letter <= "\udfff" for letter in one) for one in texts):
        return "Leave out what is no text: null characters and halves of others."
    return None


def _lines(most: int, what: str) -> Any:
    def check(held: list[str]) -> str | None:
        if len(held) > most:
            return f"Name at most {most} {what}: these are {len(held)}."
        if any(not one.strip() for one in held):
            return f"Leave out the empty ones among the {what}."
        return f"Name each of the {what} once." if len(set(held)) < len(held) else None

    return check


def _language(held: str) -> str | None:
    return (
        "Write a language as BCP 47 does, such as en or pt-BR."
        if held and not _LANGUAGE.fullmatch(held)
        else None
    )


_CHECKS = {
    "fallbacks": _lines(MOST_FALLBACKS, "fallbacks"),
    "stop": _lines(MOST_STOPS, "words to stop at"),
    "suggestions": _lines(MOST_SUGGESTIONS, "questions"),
    "language": _language,
}
FIELDS = tuple(one.name for one in Configuration._meta.local_fields if one.name not in {"id", "tenant_id"})
