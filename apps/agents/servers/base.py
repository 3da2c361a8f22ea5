"""How models on servers are reached, and what goes wrong on the way.

ProviderError
  unreachable   nobody answers at its address, or may be asked there
  refused       it answers, and says no: credentials, quota, unknown model, forbidden content
  timeout       it took longer than it was allowed to
  garbled       it sent something that its protocol does not know, broke off, or said nothing
  overloaded    it asks to be left alone for a while
"""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["unreachable", "refused", "timeout", "garbled", "overloaded"]
_LONGEST = 1000  # characters of what a provider says of a failure
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


def _on_one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
