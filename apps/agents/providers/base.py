"""What every provider is given and what it gives back.

ProviderError
  unreachable   nobody answers at its address
  refused       it answers, and says no: credentials, quota, unknown model, forbidden content
  timeout       it took longer than it was allowed to
  garbled       it sent something that its protocol does not know
  overloaded    it asks to be left alone for a while
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["unreachable", "refused", "timeout", "garbled", "overloaded"]


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
class Prompt:
    """Everything a provider may know; `history` is oldest first, `sources` best first. Its answer may have `most_tokens`, which
    a provider tells its model: what goes beyond is cut off."""

    model: str
    temperature: float
    instructions: str
    history: tuple[Turn, ...]
    question: str
    sources: tuple[Source, ...]
    refusal: str
    most_tokens: int = 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer cost, in tokens as the provider counts them."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Handoff:
    """The mind's decision to hand the chat to a person; `reason` is for staff."""

    reason: str


class ProviderError(Exception):
    """A provider could not answer; the message is for staff, never for a visitor."""

    def __init__(self, message: str, *, kind: Kind, retryable: bool) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.retryable = retryable


class Provider(Protocol):
    def stream(self, prompt: Prompt) -> AsyncIterator[str | Usage | Handoff]:
        """Pieces of the answer in order, whitespace included, then a Handoff where a person is to go on, then one Usage."""
        ...
