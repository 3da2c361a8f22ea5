"""Whether passages say what an answer says: each of its sentences against theirs, by meaning and by words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from pgvector.django import CosineDistance

from apps.agents.sentences import sentences
from apps.agents.words import WORD, content_words
from apps.knowledge import vectors
from apps.knowledge.models import Passage, Sentence

NEAR = 0.55  # cosine to the nearest sentence that was given
COVERED = 0.6  # share of its words that stand in what was given
FEWEST = 3  # words that mean something: less claims nothing

_MARKER = re.compile(r"\s*\[\d{1,2}\]")
_FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")
_INSIDE = re.compile(r"(?<=[\w,;:(„“\"'] )[^\W\d_]\w+")  # a sentence, whose first word is large in any case
NOUNS_ARE_LARGE = "german"


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer, the nearest one that was given, and whether that, with what stands around it, says so."""

    text: str
    nearest: str
    cosine: float
    coverage: float
    is_supported: bool


class Known(NamedTuple):
    """The words of what was given."""

    text: str
    is_german: bool


def claims(answer: str, given: Sequence[UUID]) -> list[Claim]:
    """What an answer claims, judged by the passages with these ids as they are now. Slow: it embeds the answer."""
    said = list(_claiming(answer))
    if not said:
        return []
    found = list(Passage.objects.filter(id__in=given).values_list("heading", "text", "embedder", "language"))
    known = Known(
        " ".join(f"{heading} {text}" for heading, text, *_ in found),
        any(language == NOUNS_ARE_LARGE for *_, language in found),
    )
    embedder = vectors.embedder(found[0][2] if found else vectors.current())
    comparable = Sentence.objects.filter(passage__in=given, passage__embedder=embedder.model)
    made = embedder.embed(said)
    return [_judged(text, vector, comparable, known) for text, vector in zip(said, made, strict=True)]


def _claiming(answer: str) -> Iterator[str]:
    """Its sentences but for questions and those that say next to nothing, without citations."""
    for sentence in sentences(_MARKER.sub("", answer)):
        if not sentence.endswith("?") and len(content_words(sentence)) >= FEWEST:
            yield sentence


def _judged(text: str, vector: Sequence[float], given: QuerySet[Sentence], known: Known) -> Claim:
    apart = CosineDistance("embedding", list(vector))
    closest = given.annotate(apart=apart).order_by("apart", "id").first()
    nearest, cosine = (closest.text, 1 - closest.apart) if closest else ("", 0.0)
    words = content_words(text)
    coverage = len(words & content_words(known.text)) / len(words)
    is_said = " ".join(text.split()) in " ".join(known.text.split())
    is_near = cosine >= NEAR and coverage >= COVERED and _has_all(text, known)
    return Claim(text, nearest, cosine, coverage, is_said or is_near)


def _has_all(text: str, known: Known) -> bool:
    """Every figure and every name: a sentence that is near in all else may be wrong by these alone."""
    figures, words = set(_FIGURE.findall(known.text)), set(WORD.findall(known.text.lower()))
    return set(_FIGURE.findall(text)) <= figures and names(text, in_german=known.is_german) <= words


def names(text: str, *, in_german: bool = False) -> set[str]:
    """Words that are written large inside a sentence. In German every noun is, so there only those count that stand side by side,
    as in "Ruth Calder"."""
    found = [match for match in _INSIDE.finditer(text) if match[0][0].isupper()]
    if in_german:
        ends, starts = {one.end() + 1 for one in found}, {one.start() - 1 for one in found}
        found = [one for one in found if one.start() in ends or one.end() in starts]
    return {word for one in found for word in WORD.findall(one[0].lower())}
