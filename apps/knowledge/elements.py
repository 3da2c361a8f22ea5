"""What every document becomes before it is cut into passages."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Shape = Literal["title", "text", "table", "list"]

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    # What asks for a coloured picture means something behind a sign that can be one; anywhere else it only hides.
    "|(?<![#*0-9\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff])\ufe0f"
    # Joiners mean something in Arabic and Indic scripts and between emoji; anywhere else they only hide.
    "|(?<![\u0600-\u0fff\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])[\u200c\u200d]"
)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f]")
BREAK = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
WORD = re.compile(
    r"\S{1,200}"
)  # composing takes time by the square of a run of accents, so runs are kept short
SPACES = re.compile(r"[^\S\n]+")


@dataclass(frozen=True, slots=True)
class Element:
    """A piece of a document in reading order; `depth` nests titles and list items from 0, `page` counts from 1.

    A table has one line for each row, and each line names its columns."""

    kind: Shape
    text: str
    depth: int = 0
    page: int | None = None


def cleaned(text: str) -> str:
    """The text without what no reader can see: such characters are how instructions are smuggled past people."""
    composed = WORD.sub(lambda word: unicodedata.normalize("NFC", word.group()), BREAK.sub("\n", text))
    text = INVISIBLE.sub("", composed)
    lines = (SPACES.sub(" ", line).strip() for line in CONTROL.sub("", text).split("\n"))
    return "\n".join(line for line in lines if line)
