"""What every provider is given and what it gives back; what goes wrong is a ProviderError, drawn in servers/base.py."""

from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from apps.agents.relatedness import Line
from apps.agents.servers.base import Connection, Kind, ProviderError, Wordless, require_words

__all__ = ["Connection", "Kind", "ProviderError", "Wordless", "require_words"]


@dataclass(frozen=True, slots=True)
class Source:
    """One passage offered to the provider; `[number]` in an answer cites it. `lines` are its sentences, where they were judged."""

    number: int
    title: str
    text: str
    score: float
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier exchange of the same chat."""

    request: str
    response: str


@dataclass(frozen=True, slots=True)
class Message:
    """What a model is told, and by whom as the model is to believe."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything a provider may know. A model is told `messages` as they are, a provider adds no word; those that need no model read
    `question`, `history` (oldest first) and `sources` (best first).

    The answer may have `most_tokens`, which a provider tells its model: what goes beyond is cut off. `messages` have `context_tokens` at
    most: what reserves room for them by itself is told so. `temperature` and `top_p` None are the model's own."""

    model: str
    temperature: float | None
    instructions: str
    history: tuple[Turn, ...]
    question: str
    sources: tuple[Source, ...]
    refusal: str
    most_tokens: int = 1024
    context_tokens: int = 8_000
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()

    def sampling(self) -> dict[str, Any]:
        """How the model is to choose its words, by the names that Ollama and OpenAI share, without what is left to the model."""
        said = {"temperature": self.temperature, "top_p": self.top_p, "stop": list(self.stop) or None}
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer cost, in tokens as the provider counts them."""

    input_tokens: int
    output_tokens: int

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens)


def counted(into: object, out: object) -> Usage | None:
    """What a server says that an answer cost; None where it does not say, or says what cannot be: it is estimated then."""
    is_usage = _is_count(into) and _is_count(out) and (into or out)
    return Usage(into, out) if is_usage else None  # type: ignore[arg-type]


def _is_count(said: object) -> bool:
    return isinstance(said, int) and not isinstance(said, bool) and 0 <= said < 2**31


@dataclass(frozen=True, slots=True)
class Handoff:
    """The mind's decision to hand the chat to a person; `reason` is for staff."""

    reason: str


Piece = str | Usage | Handoff


class Provider(Protocol):
    """One place where agents think, reached by one connection; many answers at once."""

    def __init__(self, connection: Connection) -> None: ...

    def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        """Pieces of the answer in order, whitespace included, then a Handoff where a person is to go on, then one Usage where the
        provider counts. Closing it, or cancelling who waits for it, ends the work upstream."""
        ...

    async def models(self) -> dict[str, str]:
        """What can be asked there, and what staff may want to know of each. Raises ProviderError."""
        ...

    def missing(self, model: str, models: Collection[str]) -> str | None:
        """A sentence for staff that says what to do, where none of these is the model."""
        ...
