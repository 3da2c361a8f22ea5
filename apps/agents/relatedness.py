"""How well a sentence answers a question, by figures that cost nothing at the time of the question: its nearness was found with
it, all else is words.

The weights were fitted on the even ones of SQuAD's answerable questions; `benchmarks/retrieval.py` reports the odd ones.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from math import log
from typing import NamedTuple

from apps.agents.expectations import expected
from apps.agents.words import WORD, content_words

SCORE = 3.6  # of its passage
NEARNESS_AROUND = 1.2
SHARED_PIECES = 2.5
SHARED_PIECES_POINTED_AT = 1.5
SHARED_WORDS_AROUND = 0.8
EXPECTED_KIND = 0.25
LENGTH = 0.2

PIECE = 4  # letters: forms of a word that no stem makes one, as "tolerated" and "toleration", have most of these in common
CITATION = re.compile(r"\[\d+\]")  # would be taken for one of ours
POINTING_BACK = re.compile(
    r"(?:it|its|they|their|them|he|his|him|she|her|this|these|that|those|such|the (?:former|latter)|both|also|however|there|another"
    r"|other)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of a passage, and the cosine of its vector to the question's."""

    text: str
    cosine: float


class Given(NamedTuple):
    """A passage to quote from, by its number, its score and its sentences."""

    source: int
    score: float
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be quoted; the fittest is."""

    text: str
    source: int
    fitness: float


class Read(NamedTuple):
    """A sentence, how many words it has that mean something, and which words, and pieces of words, it shares with the question."""

    line: Line
    length: int
    words: frozenset[str]
    pieces: Set[str]


class Placed(NamedTuple):
    """A sentence between its neighbours, and the words of the lead-in above it."""

    own: Read
    before: Read
    after: Read
    lead: frozenset[str]


NOTHING = Read(Line("", 0.0), 0, frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what each of its words, and pieces of words, weighs: what many of the sentences share with it tells them
    apart little."""

    text: str
    words: Mapping[str, float]
    pieces: Mapping[str, float]


def candidates(question: str, given: Sequence[Given]) -> list[Candidate]:
    """The sentences of all passages that may be quoted, judged beside each other."""
    words, pieces = content_words(question), _pieces(question)
    read = [[_read(line, words, pieces) for line in passage.lines] for passage in given]
    pool = [one for lines in read for one in lines]
    asked = Question(
        question, _weights(words, [one.words for one in pool]), _weights(pieces, [one.pieces for one in pool])
    )
    return [
        Candidate(one.own.line.text, passage.source, SCORE * passage.score + _fitness(asked, one))
        for passage, lines in zip(given, read, strict=True)
        for one in _quotable(lines)
    ]


def _read(line: Line, words: frozenset[str], pieces: set[str]) -> Read:
    own = content_words(line.text)
    return Read(line, len(own), own & words, _pieces(line.text) & pieces)


def _pieces(text: str) -> set[str]:
    """Whatever stands within four letters, over the ends of words too, so that words side by side count as such."""
    told = f" {' '.join(WORD.findall(text.lower()))} "
    return {told[start : start + PIECE] for start in range(len(told) - PIECE + 1)}


def _weights(wanted: Iterable[str], shared: Collection[Set[str]]) -> dict[str, float]:
    holders = Counter(one for some in shared for one in some)
    return {one: log(1 + len(shared) / (holders[one] + 0.5)) for one in wanted}


def _quotable(lines: Sequence[Read]) -> Iterator[Placed]:
    """Sentences but for headings, lead-ins and questions, which announce an answer and give none."""
    lead, before = frozenset[str](), NOTHING
    for own, after in zip(lines, [*lines[1:], NOTHING], strict=True):
        if own.line.text[-1] in ":?":
            lead = own.words
        elif not CITATION.search(own.line.text):
            yield Placed(own, before, after, lead)
        before = own


def _fitness(question: Question, one: Placed) -> float:
    own, before, after, lead = one
    pointed_at = before.pieces - own.pieces if POINTING_BACK.match(own.line.text) else ()
    return (
        own.line.cosine
        + NEARNESS_AROUND * max(own.line.cosine, before.line.cosine, after.line.cosine)
        + SHARED_PIECES * _coverage(question.pieces, own.pieces)
        + SHARED_PIECES_POINTED_AT * _coverage(question.pieces, pointed_at)
        + SHARED_WORDS_AROUND * _coverage(question.words, own.words | before.words | after.words | lead)
        + EXPECTED_KIND * expected(question.text, own.line.text)
        + LENGTH * min(own.length, 20) / 20
    )


def _coverage(weights: Mapping[str, float], shared: Iterable[str]) -> float:
    return sum(weights[one] for one in shared) / sum(weights.values()) if weights else 0.0
