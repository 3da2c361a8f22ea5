"""Which sources an answer really cites: `[n]` in its text, resolved against the passages that were given."""

import re
from collections.abc import Sequence
from typing import Any

from apps.knowledge.retrieval import Found

_MARKER = re.compile(r"\[(\d{1,2})\]")
_BEFORE_MARKER = re.compile(r"([^\[\]]+?)\s*\[(\d{1,2})\]")


def resolve(answer: str, found: Sequence[Found]) -> list[dict[str, Any]]:
    """One entry per cited passage, in order of first mention; a number that was never given cites nothing."""
    quotes = {int(number): text.strip() for text, number in reversed(_BEFORE_MARKER.findall(answer))}
    numbers = dict.fromkeys(int(number) for number in _MARKER.findall(answer))
    return [
        _entry(number, found[number - 1], quotes.get(number, ""))
        for number in numbers
        if 0 < number <= len(found)
    ]


def _entry(number: int, passage: Found, quote: str) -> dict[str, Any]:
    return {
        "number": number,
        "title": passage.title,
        "url": None,
        "quote": quote if quote and quote in passage.text else passage.text[:300],
        "knowledge": str(passage.knowledge_id),
        "page": passage.page,
    }
