"""Which sources an answer really cites: `[n]` in its text, resolved against the passages that were given; invented ones never leave."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from apps.chats import hazards
from apps.knowledge.retrieval import Found

_MARKER = re.compile(r"\[(\d{1,2})\]")
_CITED = re.compile(r"\[\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*\]")
_BEGUN = re.compile(r"\[[\d\s,;]{0,24}\Z")
_LOOK = re.compile(rf"[\[{hazards.TOLD}]")
_UNTOLD = re.compile(f"[{hazards.TOLD}]")


class Sieve:
    """Between what a model says and what a reader is told: a number that was not given is left out, also where it arrives in pieces, and so
    is what no reader would see. `given` passages there are."""

    def __init__(self, given: int = 0) -> None:
        self.given = given
        self._held = ""
        self._has_ended = False

    def pass_on(self, text: str) -> str:
        """What can be told now of what came; a marker that has only begun waits for its end."""
        if not self._held and not _LOOK.search(text):
            return text
        text = _UNTOLD.sub("", self._held + text)
        begun = None if self._has_ended else _BEGUN.search(text)
        self._held = begun[0] if begun else ""
        return _CITED.sub(self._checked, text[: begun.start()] if begun else text)

    def end(self) -> None:
        """Nothing more comes: what waits for its end is passed on next, as it is."""
        self._has_ended = True

    def _checked(self, marker: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", marker[1])]
        return "".join(f"[{number}]" for number in numbers if 0 < number <= self.given)


def resolve(answer: str, given: Sequence[Found]) -> list[dict[str, Any]]:
    """One entry per cited passage, in order of first mention; a number that was never given cites nothing."""
    quotes = dict(reversed(list(_quotes(answer))))
    numbers = dict.fromkeys(int(number) for number in _MARKER.findall(answer))
    return [
        _entry(number, given[number - 1], quotes.get(number, ""))
        for number in numbers
        if 0 < number <= len(given)
    ]


def _quotes(answer: str) -> Iterator[tuple[int, str]]:
    """Each marker's number with the words right before it, in time that grows with the answer and no faster."""
    end = 0
    for marker in _MARKER.finditer(answer):
        words = re.split(r"[\[\]]", answer[end : marker.start()])[-1]
        end = marker.end()
        yield int(marker[1]), words.strip()


def _entry(number: int, passage: Found, quote: str) -> dict[str, Any]:
    return {
        "number": number,
        "title": passage.title,
        "url": passage.url or None,
        "quote": quote if quote and quote in passage.text else passage.text[:300],
        "knowledge": str(passage.knowledge_id),
        "page": passage.page,
        "at": passage.as_of.isoformat() if passage.as_of else None,
    }
