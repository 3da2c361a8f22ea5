"""What can come of a check."""

from dataclasses import dataclass
from typing import Literal

State = Literal["good", "bad", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`words` say what is well, what is wrong or why the check was skipped; `remedy` what to do about a wrong."""

    name: str
    state: State
    words: str
    remedy: str = ""


class Trouble(Exception):
    """What is wrong, and in `remedy` what to do about it."""

    def __init__(self, cause: str, *, remedy: str = "") -> None:
        super().__init__(cause.rstrip("."))
        self.remedy = remedy


class Skip(Exception):
    """Why a check cannot be made."""
