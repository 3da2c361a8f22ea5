"""What a search brings back: passages, why each was found, and their sentences."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.agents.relatedness import Line


@dataclass(frozen=True, slots=True)
class Legs:
    """What each leg says, in [0, 1]: the cosines of the passage and of its best sentence to the question, BM25 of both as shares
    of a perfect match, and which share of the question's words the passage has, rare ones counting more."""

    cosine: float = 0.0
    sentence_cosine: float = 0.0
    bm25: float = 0.0
    sentence_bm25: float = 0.0
    coverage: float = 0.0


# Fitted on the even ones of SQuAD's answerable questions (benchmarks/retrieval.py); the sum is 1, so that a score is in [0, 1].
WEIGHTS = Legs(cosine=0.24, sentence_cosine=0.32, bm25=0.14, sentence_bm25=0.10, coverage=0.20)


@dataclass(frozen=True, slots=True)
class Found:
    """A passage, or neighbours that were found together; `score` in [0, 1] ordered it and means the same in every search."""

    ids: tuple[UUID, ...]
    knowledge_id: UUID
    title: str
    heading: str
    text: str
    page: int | None
    position: int
    score: float
    legs: Legs = Legs()
    lines: tuple[Line, ...] = ()
    url: str = ""
    as_of: datetime | None = None

    @property
    def last_position(self) -> int:
        return self.position + len(self.ids) - 1


def why(one: Found) -> str:
    """In words, what its score is made of most; what adds nothing is not named."""
    most = sorted(((added, told) for added, told in _parts(one.legs) if added), reverse=True)[:2]
    said = ", and ".join([told for _, told in most]) or "nothing in it is like what was asked"
    best = max(one.lines, key=lambda line: line.cosine).text if one.lines else ""
    quoted = f" Its nearest sentence: “{best}”" if best else ""
    return f"{said[0].upper()}{said[1:]}.{quoted}"


def _parts(legs: Legs) -> Iterator[tuple[float, str]]:
    """What each leg adds to the score, and what that means."""
    yield (
        WEIGHTS.sentence_cosine * legs.sentence_cosine,
        f"one of its sentences means {_degree(legs.sentence_cosine)} what was asked",
    )
    yield WEIGHTS.cosine * legs.cosine, f"as a whole it means {_degree(legs.cosine)} what was asked"
    yield (
        WEIGHTS.coverage * legs.coverage,
        f"it has {legs.coverage:.0%} of the question's words, by their weight",
    )
    together = WEIGHTS.bm25 * legs.bm25 + WEIGHTS.sentence_bm25 * legs.sentence_bm25
    yield together, "the question's rare words come often or close together in it"


def _degree(cosine: float) -> str:
    return "nearly" if cosine >= 0.6 else "partly" if cosine >= 0.4 else "little of"
