"""A question that leans on one before it: "And for Ireland?" means little without it."""

import re
from collections.abc import Iterable

from apps.agents.words import EMPTY, WORD, content_words

LEANING = re.compile(
    r"(?:and|or|but|also|what about|how about|what if|then|why|why not|really)\b"
    r"|(?:und|aber|oder|auch|was ist mit|wie sieht es|et|mais|¿?y|¿?pero|e|ma|och|en voor)\s",
    re.IGNORECASE,
)
POINTING = re.compile(r"\b(?:it|its|they|them|their|that|those|these|this|one|ones)\b", re.IGNORECASE)
ANOTHER = re.compile(
    r"(?:and|or|but|also|what about|how about|then)\b[\s,]*(?:(?P<joint>for|to|in|on|at|from|with|by|of|into)\s+)?"
    r"(?:(?:the|a|an|my|your|our)\s+)?(?P<thing>[\w'’-]+(?:\s+[\w'’-]+)?)\s*[?.!]*",
    re.IGNORECASE,
)
SHORT = 3


def in_context(question: str, *, earlier: Iterable[str]) -> str:
    """The question as it would be asked without a chat before it: with the one other thing that it names in the place of the last
    one named, or behind the latest earlier question that stands alone; as it is where it stands alone itself."""
    if stands_alone(question):
        return question
    before = next((request for request in reversed([*earlier]) if stands_alone(request)), "")
    another = ANOTHER.fullmatch(question.strip())
    if before and another and not _begins_a_clause(another["thing"]):
        return _exchanged(before, another["joint"] or "", another["thing"])
    return f"{before} {question}".strip()


def stands_alone(question: str) -> bool:
    """Whether it means the same whatever was asked before."""
    if LEANING.match(question.strip()):
        return False
    is_full = len(content_words(question)) >= 2
    return is_full or (len(question.split()) > SHORT and not POINTING.search(question))


def _begins_a_clause(thing: str) -> bool:
    """ "who pays" and "if not" name no thing."""
    return any(word in EMPTY for word in WORD.findall(thing.lower()))


def _exchanged(before: str, joint: str, thing: str) -> str:
    """ "How much is delivery to Norway?" and "to Ireland": what follows the same preposition is exchanged, or else the last name for
    a name, and the last word that means something for any other."""
    if joint and (same := re.search(rf"^(.*)\b{joint}\b[^?.!]*", before, re.IGNORECASE)):
        return f"{same[1]}{joint} {thing}?"
    meaning = [word for word in WORD.finditer(before) if word[0].lower() not in EMPTY]
    names = [word for word in meaning if word.start() and word[0][0].isupper()]
    last = (names if thing[0].isupper() else meaning)[-1:]
    return f"{before[: last[0].start()]}{thing}{before[last[0].end() :]}" if last else f"{before} {thing}?"
