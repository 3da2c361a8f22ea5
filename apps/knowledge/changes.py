"""What a document said before and says now, line by line."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from apps.agents.sentences import sentences
from apps.knowledge.models import Document

MOST = 2_000  # lines of each version: comparing takes time by their product


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence: `sign` is a space where it stayed, `+` where it is new, `-` where it is gone."""

    sign: str
    text: str


def of(document: Document) -> list[Line]:
    """Nothing where it never changed."""
    if not document.before:
        return []
    old, new = list(_lines(document.before))[:MOST], list(_lines(document.cut))[:MOST]
    return [
        line
        for step in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        for line in _step(old, new, *step)
    ]


def says(document: Document, quote: str) -> bool:
    """Whether these words still stand in it."""
    return _plain(quote) in _plain(" ".join(str(one["text"]) for one in document.cut))


def _step(old: list[str], new: list[str], kind: str, a: int, b: int, c: int, d: int) -> Iterator[Line]:
    if kind == "equal":
        yield from (Line(" ", text) for text in old[a:b])
        return
    yield from (Line("-", text) for text in old[a:b])
    yield from (Line("+", text) for text in new[c:d])


def _lines(cut: list[dict[str, Any]]) -> Iterator[str]:
    for passage in cut:
        yield from (line for part in str(passage["text"]).split("\n") for line in sentences(part))


def _plain(text: str) -> str:
    return " ".join(text.split())
