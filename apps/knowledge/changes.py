"""What a document said before and says now, line by line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any

from apps.agents.sentences import sentences
from apps.knowledge.models import Document

AROUND = 2  # lines of what stayed that are shown beside a change
STAYED = "…"
MOST = 2_000  # lines of each version: comparing takes time by their product


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence: `sign` is a space where it stayed, `+` where it is new, `-` where it is gone. One whose sign is `…` stands for as
    many as its text says, which stayed."""

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


def folded(lines: Sequence[Line]) -> list[Line]:
    """Without what stayed far from every change."""
    near = {
        at + beside
        for at, line in enumerate(lines)
        if line.sign != " "
        for beside in range(-AROUND, AROUND + 1)
    }
    told: list[Line] = []
    for is_near, group in groupby(enumerate(lines), key=lambda one: one[0] in near):
        found = [line for _, line in group]
        told += found if is_near or len(found) == 1 else [Line(STAYED, str(len(found)))]
    return told


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
