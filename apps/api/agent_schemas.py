"""The bodies of requests and responses about agents."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field, StrictBool

from apps.agents.configuration import (
    LEAST_CONTEXT,
    MOST_CONTEXT,
    MOST_FALLBACKS,
    MOST_INSTRUCTIONS,
    MOST_OUTPUT,
    MOST_STOPS,
    MOST_SUGGESTIONS,
)
from apps.api.organisation_schemas import NO_NUL, NextCursor

Name = Annotated[str, Field(min_length=1, max_length=80, pattern=NO_NUL, description="Visitors see it.")]
Sentence = Annotated[str, Field(min_length=1, max_length=300, pattern=NO_NUL)]
Instructions = Annotated[
    str,
    Field(
        max_length=MOST_INSTRUCTIONS,
        pattern=NO_NUL,
        description="How it should behave; visitors never see it.",
    ),
]
Line = Annotated[str, Field(min_length=1, max_length=120, pattern=NO_NUL)]
Stop = Annotated[str, Field(min_length=1, max_length=40, pattern=NO_NUL)]
Mind = Annotated[str, Field(min_length=1, max_length=141, pattern=NO_NUL)]
Suggestions = Annotated[
    list[Line], Field(max_length=MOST_SUGGESTIONS, description="Offered to whoever opens the chat.")
]
Language = Annotated[
    str, Field(max_length=16, pattern=NO_NUL, description="As BCP 47; empty for the visitor's.")
]
Provider = Annotated[str, Field(min_length=1, max_length=20, pattern=NO_NUL)]
Model = Annotated[
    str,
    Field(max_length=120, pattern=NO_NUL, description="As the provider calls it; empty for its only one."),
]
Fallbacks = Annotated[
    list[Mind],
    Field(
        max_length=MOST_FALLBACKS, description="Where it thinks when that fails: `provider:model` in order."
    ),
]
HandsOver = Annotated[StrictBool, Field(description="When all of them fail, a person is asked to answer.")]
OnlyFromKnowledge = Annotated[StrictBool, Field(description="It says what its knowledge says, or `refusal`.")]
Temperature = Annotated[
    float | None,
    Field(ge=0, le=2, strict=True, description="Null for the model's own, since some take no other."),
]
TopP = Annotated[float | None, Field(ge=0.01, le=1, strict=True, description="Null for the provider's own.")]
MaxTokens = Annotated[
    int | None,
    Field(ge=1, le=MOST_OUTPUT, strict=True, description="Null for as many as the installation allows."),
]
ContextTokens = Annotated[int, Field(ge=LEAST_CONTEXT, le=MOST_CONTEXT, strict=True)]
SecondMessage = Literal["queue", "interrupt"]


class DraftRequest(Schema):
    """What is left out stays as it is prepared."""

    name: Name = ""
    greeting: Sentence = ""
    suggestions: Suggestions = []
    language: Language = ""
    instructions: Instructions = ""
    only_from_knowledge: OnlyFromKnowledge = True
    refusal: Sentence = ""
    second_message: SecondMessage = "queue"
    provider: Provider = ""
    model: Model = ""
    fallbacks: Fallbacks = []
    hands_over: HandsOver = False
    temperature: Temperature = 0.2
    top_p: TopP = None
    stop: Annotated[list[Stop], Field(max_length=MOST_STOPS)] = []
    max_tokens: MaxTokens = None
    context_tokens: ContextTokens = 8000


class AgentRequest(DraftRequest):
    """What is left out is as for any new agent."""

    name: Name


class Configuration(Schema):
    name: str
    greeting: str
    suggestions: list[str]
    language: str
    instructions: str
    only_from_knowledge: bool
    refusal: str
    second_message: SecondMessage
    provider: str
    model: str
    fallbacks: list[str]
    hands_over: bool
    temperature: float | None
    top_p: float | None
    stop: list[str]
    max_tokens: int | None
    context_tokens: int


Warnings = Annotated[
    list[str],
    Field(
        description="Said where it was just saved: of each model that its provider does not have, what to do."
    ),
]


class Status(Schema):
    """Whether it can answer now, as far as that is known without asking a provider."""

    state: Annotated[
        Literal["ready", "failing", "unable"],
        Field(
            description="`failing` where the last call of its provider or of a fallback failed, or one cannot be used, `unable` where no mind can."
        ),
    ]
    says: str


class AgentResponse(Configuration):
    """What visitors get."""

    id: UUID
    version: Annotated[int, Field(description="The number of the version that this is.")]
    has_draft: bool
    status: Annotated[Status | None, Field(description="Null where an agent was just added.")] = None
    warnings: Warnings = []
    created_at: datetime


class Agents(Schema):
    agents: list[AgentResponse]
    next_cursor: NextCursor


class DraftResponse(Configuration):
    """What is prepared; where nothing is, what visitors get, with nobody who edited it."""

    edited_by: str
    edited_at: datetime | None
    warnings: Warnings = []


class OfferedModel(Schema):
    name: str
    says: Annotated[str, Field(description="Its size, its maker, or whether it is in memory.")]


class ProviderModels(Schema):
    """What one provider has."""

    provider: str
    models: Annotated[list[OfferedModel], Field(description="Those that the organisation may use.")]
    missing: Annotated[
        list[str], Field(description="A sentence for each model that agents want and that is not there.")
    ]
    problem: Annotated[str, Field(description="Why it could not be asked; else empty.")]


class Models(Schema):
    providers: list[ProviderModels]


class PublishRequest(Schema):
    note: Annotated[str, Field(max_length=200, pattern=NO_NUL, description="What was changed.")] = ""


class VersionResponse(Configuration):
    number: int
    note: str
    published_by: str
    published_at: datetime


class Versions(Schema):
    versions: list[VersionResponse]
    next_cursor: NextCursor


class Difference(Schema):
    field: str
    before: Any
    after: Any


class Differences(Schema):
    differences: list[Difference]


class Explanation(Schema):
    """What went into one answer; the version holds the instructions, the chat the question and the history."""

    version: int | None
    provider: str
    model: str
    parameters: dict[str, Any]
    tokens: Annotated[dict[str, Any], Field(description="About how many, of each part of the prompt.")]
    turns: Annotated[int, Field(description="Earlier ones that it was told.")]
    passages: list[dict[str, Any]]
    attempts: list[dict[str, Any]]
    timings: Annotated[dict[str, Any], Field(description="Milliseconds since the question came.")]
