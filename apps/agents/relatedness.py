"""How well a sentence answers a question, by figures that cost nothing at the time of the question: its nearness was found with
it, all else is words.

The weights were fitted on the even ones of SQuAD's answerable questions; `benchmarks/retrieval.py` reports the odd ones.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from apps.agents.sentences import sentences
from apps.agents.words import WORD, content_words

SHARED_WORDS = 0.5
SHARED_WORDS_BEFORE = 0.5
SHARED_WORDS_AROUND = 0.5
EXPECTED_KIND = 0.17
LENGTH = 0.15

CITATION = re.compile(r"\[\d+\]")  # would be taken for one of ours
NUMBER = re.compile(
    r"\d[\d,.]*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|once|twice|half|dozen|hundred|thousand|million|billion|free)\b",
    re.IGNORECASE,
)
MOMENT = re.compile(
    r"\d[\d:.]*|\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|may|june|july|august|september"
    r"|october|november|december|century|centuries|years?|months?|weeks?|days?|hours?|minutes?|noon|midnight|always|never|when)\b",
    re.IGNORECASE,
)
NAME = re.compile(r"(?<=[\w,;:(\"'] )[A-Z]\w+")
EXPECTATIONS = (
    (
        re.compile(
            r"\bhow (?:many|much|long|old|often|far|tall|large|big|high|late|soon|fast|wide|deep)\b"
            r"|\b(?:what|which) (?:\w+ )?(?:percentage|percent|number|amount|price|size|rate|age|population)\b"
        ),
        NUMBER,
    ),
    (
        re.compile(
            r"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:year|date|time|day|month|decade|century|period)\b"
        ),
        MOMENT,
    ),
    (
        re.compile(
            r"\bwho(?:m|se)?\b|\bwhere\b"
            r"|\b(?:what|which) (?:\w+ )?(?:city|country|state|person|people|company|river|region|place|town|name|language)\b"
        ),
        NAME,
    ),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of a passage, and the cosine of its vector to the question's."""

    text: str
    cosine: float


@dataclass(frozen=True, slots=True)
class Question:
    """A question made ready for comparison."""

    text: str
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be quoted; the fittest is."""

    text: str
    source: int
    fitness: float


@dataclass(frozen=True, slots=True)
class Quotable:
    """A sentence with its words, those with the words before it, and those with the words after it as well."""

    line: Line
    words: frozenset[str]
    before: frozenset[str]
    around: frozenset[str]


def asked(text: str) -> Question:
    return Question(text, content_words(text))


def candidates(
    question: Question, text: str, lines: Sequence[Line], *, source: int, score: float
) -> list[Candidate]:
    """The sentences of a source that may be quoted, judged. Where nobody has looked at them yet, each is as near as its source."""
    known = lines or [Line(sentence, score) for sentence in sentences(text)]
    return [Candidate(one.line.text, source, score + _fitness(question, one)) for one in quotable(known)]


def quotable(lines: Sequence[Line]) -> Iterator[Quotable]:
    """Sentences but for headings, lead-ins and questions, which announce an answer and give none."""
    words = [content_words(line.text) for line in lines]
    lead = before = frozenset[str]()
    for line, own, after in zip(lines, words, [*words[1:], frozenset[str]()], strict=True):
        if line.text[-1] in ":?":
            lead = own
        elif not CITATION.search(line.text):
            earlier = own | before | lead
            yield Quotable(line, own, earlier, earlier | after)
        before = own


def _fitness(question: Question, one: Quotable) -> float:
    return (
        one.line.cosine
        + SHARED_WORDS * _coverage(question.words, one.words)
        + SHARED_WORDS_BEFORE * _coverage(question.words, one.before)
        + SHARED_WORDS_AROUND * _coverage(question.words, one.around)
        + EXPECTED_KIND * expected(question.text, one.line.text)
        + LENGTH * min(len(one.words), 20) / 20
    )


def expected(question: str, sentence: str) -> int:
    """1 where the question asks for a number, a time or a name and the sentence has one that the question has not, -1 where it has
    none."""
    asks = question.lower()
    kind = next((answer for pattern, answer in EXPECTATIONS if pattern.search(asks)), None)
    if kind is None:
        return 0
    known = set(WORD.findall(asks))
    return 1 if any(set(WORD.findall(told.lower())) - known for told in kind.findall(sentence)) else -1


def _coverage(wanted: frozenset[str], given: frozenset[str]) -> float:
    return len(wanted & given) / len(wanted) if wanted else 0.0
