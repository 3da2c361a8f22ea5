"""Which sources an answer really cites: `[n]` in its text, resolved against the passages that were given."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from apps.knowledge.retrieval import Found

_MARKER = re.compile(r"\[(\d{1,2})\]")


def resolve(answer: str, found: Sequence[Found]) -> list[dict[str, Any]]:
    """One entry per cited passage, in order of first mention; a number that was never given cites nothing."""
    quotes = dict(reversed(list(_quotes(answer))))
    numbers = dict.fromkeys(int(number) for number in _MARKER.findall(answer))
    return [
        _entry(number, found[number - 1], quotes.get(number, ""))
        for number in numbers
        if 0 < number <= len(found)
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
