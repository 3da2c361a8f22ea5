"""What every provider is given and what it gives back.

ProviderError
  unreachable   nobody answers at its address, or may be asked there
  refused       it answers, and says no: credentials, quota, unknown model, forbidden content
  timeout       it took longer than it was allowed to
  garbled       it sent something that its protocol does not know, broke off, or said nothing
  overloaded    it asks to be left alone for a while
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Literal, Protocol

Kind = Literal["unreachable", "refused", "timeout", "garbled", "overloaded"]
_TELLING = 6  # so many characters of a secret, in a row, are a part of it and no accident


@dataclass(frozen=True, slots=True)
class Connection:
    """How a provider is reached, and as whom; made by connections.py, and never printed with its secrets.

    `is_shared` is one that the operator gives to everybody, and which may lead into the private network; any other may only where
    `is_trusted`."""

    url: str = ""
    region: str = ""
    profile: str = ""
    role: str = ""
    secrets: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    is_shared: bool = False
    is_trusted: bool = False

    def secret(self, name: str) -> str:
        return dict(self.secrets).get(name, "")

    def redacted(self, text: str) -> str:
        """Without any part of a secret, however it was cut."""
        for _, secret in self.secrets:
            hidden = {start + n for start in _places(secret, text) for n in range(_TELLING)}
            text = "".join("•" if place in hidden else letter for place, letter in enumerate(text))
        return text


def _places(secret: str, text: str) -> list[int]:
    """Where in a text some part of a secret begins."""
    parts = {secret[start : start + _TELLING] for start in range(len(secret) - _TELLING + 1)}
    return [at for at in range(len(text)) if text[at : at + _TELLING] in parts]


@dataclass(frozen=True, slots=True)
class Source:
    """One passage offered to the provider; `[number]` in an answer cites it."""

    number: int
    title: str
    text: str
    score: float


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

    The answer may have `most_tokens`, which a provider tells its model: what goes beyond is cut off. `top_p` None is the model's
    own."""

    model: str
    temperature: float
    instructions: str
    history: tuple[Turn, ...]
    question: str
    sources: tuple[Source, ...]
    refusal: str
    most_tokens: int = 1024
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer cost, in tokens as the provider counts them."""

    input_tokens: int
    output_tokens: int

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens)


@dataclass(frozen=True, slots=True)
class Handoff:
    """The mind's decision to hand the chat to a person; `reason` is for staff."""

    reason: str


class ProviderError(Exception):
    """A provider could not answer; the message is for staff, never for a visitor, and holds nothing secret.

    Raise it `from None`: a cause would be written to logs with what the provider said, which may be anything."""

    def __init__(
        self, message: str, *, kind: Kind, retryable: bool, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.retryable = retryable
        self.retry_after = retry_after


Piece = str | Usage | Handoff


class Provider(Protocol):
    """One place where agents think, reached by one connection; many answers at once."""

    def __init__(self, connection: Connection) -> None: ...

    def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        """Pieces of the answer in order, whitespace included, then a Handoff where a person is to go on, then one Usage where the
        provider counts. Closing it, or cancelling who waits for it, ends the work upstream."""
        ...
