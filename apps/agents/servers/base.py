"""How models on servers are reached, and what goes wrong on the way.

ProviderError
  unreachable   nobody answers at its address, or may be asked there
  refused       it answers, and says no: credentials, quota, unknown model, forbidden content
  timeout       it took longer than it was allowed to
  garbled       it sent something that its protocol does not know, broke off, or said nothing
  overloaded    it asks to be left alone for a while
"""

import logging
from dataclasses import dataclass, field
from typing import Literal

logger = logging.getLogger(__name__)
Kind = Literal["unreachable", "refused", "timeout", "garbled", "overloaded"]
_LONGEST = 1000  # characters of what a provider says of a failure
_TELLING = 6  # so many characters of a secret, in a row, are a part of it and no accident


@dataclass(frozen=True, slots=True)
class Connection:
    """How a provider is reached, and as whom; made by connections.py, and never printed with its secrets.

    `is_shared` is one that the operator gives to everybody, and which may lead into the private network; any other may only where
    `is_trusted`. Of a shared one staff are told no more than its `provider`: its address, region, role and what it says are the operator's."""

    provider: str = ""
    url: str = ""
    region: str = ""
    profile: str = ""
    role: str = ""
    secrets: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    is_shared: bool = False
    is_trusted: bool = False

    def secret(self, name: str) -> str:
        return dict(self.secrets).get(name, "")

    @property
    def place(self) -> str:
        """Where it leads, as staff may know it; at the beginning of a sentence."""
        return f"The operator's {self.provider}" if self.is_shared else self.url or self.provider

    def failure(
        self,
        what: str,
        said: str = "",
        *,
        kind: Kind,
        retryable: bool = True,
        retry_after: float | None = None,
    ) -> "ProviderError":
        """What happened there, and what it said or was meant by that: for the operator's log alone where it is the operator's."""
        said = self.redacted(said)
        message = f"{self.place} {what}: {said}" if said else f"{self.place} {what}."
        if self.is_shared:
            logger.warning(
                "%s %s %s", self.provider, self.url or self.region, _on_one_line(f"{what}: {said}")
            )
            message = f"{self.place} {what}. The operator's log says more."
        return ProviderError(message, kind=kind, retryable=retryable, retry_after=retry_after)

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


class ProviderError(Exception):
    """A provider could not answer; the message is for staff, never for a visitor, holds nothing secret, and is one line that a
    database, a log and a terminal can take, whatever the provider said.

    Raise it `from None`: a cause would be written to logs with what the provider said, which may be anything."""

    def __init__(
        self, message: str, *, kind: Kind, retryable: bool, retry_after: float | None = None
    ) -> None:
        super().__init__(_on_one_line(message[:_LONGEST]))
        self.kind: Kind = kind
        self.retryable = retryable
        self.retry_after = retry_after


class Wordless(ProviderError):
    """The model was done before its first word, by its own account. Asking again would cost the same once more."""

    def __init__(self, why: str) -> None:
        super().__init__(why, kind="refused", retryable=False)


def require_words(reason: object) -> None:
    """Of an answer without any, which its provider says ended for this reason. Raises Wordless where that explains it."""
    if why := _WORDLESS.get(str(reason)):
        raise Wordless(why)


_FULL = (
    "The model used up its longest answer before its first word, as models that reason may. "
    "Give the agent a longer one, or choose a model that does not reason."
)
_FILTERED = "The provider's own filter withheld the answer."
_WORDLESS = dict.fromkeys(("length", "max_tokens"), _FULL) | dict.fromkeys(
    ("content_filter", "content_filtered", "guardrail_intervened"), _FILTERED
)


def _on_one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
