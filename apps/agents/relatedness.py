"""How well a sentence answers a question: the figures behind quoting, and behind saying "I do not know".

The weights and the threshold were picked by hand while looking at all the questions of `benchmarks/refusal.py`, so its
figures say that nothing has got worse, not how well this does on other questions. Run it after a change.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from apps.agents.embedders.base import Embedder
from apps.agents.sentences import sentences
from apps.agents.words import content_words

RELATED = 0.68  # the most related sentence of about 94 % of answerable questions reaches it, of 6 % of off-topic ones

SHARED_WORDS = 0.2
SHARED_WORDS_NEARBY = 0.2
SOURCE_SCORE = 0.2
EXPECTED_KIND = 0.06
LENGTH = 0.05

CITATION = re.compile(r"\[\d+\]")  # would be taken for one of ours
NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|once|twice|half|dozen|hundred|thousand|million|free)\b",
    re.IGNORECASE,
)
MOMENT = re.compile(
    r"\d|\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|may|june|july|august|september"
    r"|october|november|december|century|years?|months?|weeks?|days?|hours?|minutes?|noon|midnight|always|never|when)\b",
    re.IGNORECASE,
)
PERSON = re.compile(r"(?<=[\w,;:] )[A-Z]\w+")
EXPECTATIONS = (
    (re.compile(r"\bhow (?:many|much|long|old|often|far|tall|large|big|high|late|soon|fast)\b"), NUMBER),
    (
        re.compile(r"\b(?:what|which) (?:percentage|percent|number|year|date|time|amount|price|size)\b"),
        NUMBER,
    ),
    (re.compile(r"\bwhen\b"), MOMENT),
    (re.compile(r"\bwho(?:m|se)?\b"), PERSON),
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question made ready for comparison."""

    text: str
    words: frozenset[str]
    vector: Sequence[float]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be quoted. `relatedness` decides whether, `fitness` decides which."""

    text: str
    source: int
    relatedness: float
    fitness: float


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence with the heading or lead-in above it, its words, and those words with what stands around it."""

    text: str
    lead: str
    words: frozenset[str]
    nearby: frozenset[str]


def asked(text: str, *, embedder: Embedder) -> Question:
    return Question(text, content_words(text), embedder.embed([text])[0])


def candidates(
    question: Question, text: str, *, source: int, score: float, embedder: Embedder
) -> list[Candidate]:
    """The sentences of a source that may answer, judged. Embeds them, so call it in a thread.

    A sentence that shares no word with the question, nor stands beside one, is not worth embedding: it was the best one for
    1 in 1,500 questions."""
    lines = [one for one in quotable(text) if not question.words or question.words & one.nearby]
    vectors = embedder.embed([f"{line.lead} {line.text}".strip() for line in lines])
    judged = (_relatedness(question, line, vector) for line, vector in zip(lines, vectors, strict=True))
    return [
        Candidate(line.text, source, value, value + SOURCE_SCORE * score + _bonus(question, line))
        for line, value in zip(lines, judged, strict=True)
    ]


def quotable(text: str) -> Iterator[Line]:
    """Sentences but for headings, lead-ins and questions, which announce an answer and give none."""
    lead, before = "", frozenset[str]()
    for sentence in sentences(text):
        words = content_words(sentence)
        if sentence[-1] in ":?":
            lead = sentence
        elif not CITATION.search(sentence):
            yield Line(sentence, lead, words, words | before | content_words(lead))
        before = words


def _relatedness(question: Question, line: Line, vector: Sequence[float]) -> float:
    cosine = sum(a * b for a, b in zip(question.vector, vector, strict=True))
    shared = SHARED_WORDS * _coverage(question.words, line.words)
    return cosine + shared + SHARED_WORDS_NEARBY * _coverage(question.words, line.nearby)


def _bonus(question: Question, line: Line) -> float:
    return EXPECTED_KIND * expected(question.text, line.text) + LENGTH * min(len(line.words), 20) / 20


def expected(question: str, sentence: str) -> int:
    """1 where the question asks for a number, a time or a person and the sentence has one, -1 where it has none."""
    asks = question.lower()
    kind = next((answer for pattern, answer in EXPECTATIONS if pattern.search(asks)), None)
    return 0 if kind is None else 1 if kind.search(sentence) else -1


def _coverage(wanted: frozenset[str], given: frozenset[str]) -> float:
    return len(wanted & given) / len(wanted) if wanted else 0.0
