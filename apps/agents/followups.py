"""Questions that lean on the one before: "And for Ireland?" means little without it."""

import re
from collections.abc import Iterable

from apps.agents.words import content_words

LEANING = re.compile(
    r"(?:and|or|but|also|what about|how about|what if|then|why|why not|really)\b", re.IGNORECASE
)
POINTING = re.compile(r"\b(?:it|its|they|them|their|that|those|these|this|one|ones)\b", re.IGNORECASE)
SHORT = 3


def in_context(question: str, *, earlier: Iterable[str]) -> str:
    """The question, behind the latest earlier one that stands alone when it does not stand alone itself."""
    if not _leans(question):
        return question
    before = next((request for request in reversed([*earlier]) if not _leans(request)), "")
    return f"{before} {question}".strip()


def _leans(question: str) -> bool:
    if LEANING.match(question.strip()):
        return True
    is_thin = len(content_words(question)) < 2
    return is_thin and (len(question.split()) <= SHORT or bool(POINTING.search(question)))
