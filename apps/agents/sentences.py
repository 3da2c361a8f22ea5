"""One way to cut text into sentences, so that what was embedded, what is quoted and what is checked are the same."""

import re
from collections.abc import Iterator


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


ABBREVIATIONS = _set("mr mrs ms dr prof mt vs e.g i.e cf viz approx incl excl fig figs gen col capt rev hon")
BEFORE_A_NUMBER = _set("no nos nr p pp art sec ch vol tel ext fig")
MAY_END_A_SENTENCE = _set(
    "a.m p.m etc inc ltd co corp jr sr ph.d al st rd ave blvd ft max min dept est vol jan feb mar apr jun jul aug sep sept"
    " oct nov dec mon tue tues wed thu thur thurs fri sat sun"
)
STARTERS = _set(
    "a after all also an and any are as at because before both but by do each every for from he her his how however if in is"
    " it its many most my no not now of on once one or other our please she since so some such that the their then there"
    " these they this those to under until we what when where which while who why with you your"
)

NEAR = 40  # characters that decide, however long the line is
BULLET = re.compile(r"^[-*•‣◦▪–—·]\s+")
NUMBERING = re.compile(r"^\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)]\s+")
STOP = re.compile(r"""(?<![.!?…])[.!?…]++["'”’»)\]]*+(?=\s)|[。！？]+[」』”’]*""")
LETTER = re.compile(r"[^\W\d_]")


def sentences(text: str) -> list[str]:
    """Verbatim slices of the text; a line break always ends one, and a bullet is not part of one."""
    return [sentence for line in text.splitlines() for sentence in _of_line(BULLET.sub("", line.strip()))]


def led(text: str) -> Iterator[tuple[str, str]]:
    """Each sentence behind the heading, lead-in or question above it, which announces it; the lead may be empty."""
    lead = ""
    for sentence in sentences(text):
        yield lead, sentence
        if sentence[-1] in ":?":
            lead = sentence


def _of_line(line: str) -> Iterator[str]:
    numbering = NUMBERING.match(line)
    start, search_from = 0, numbering.end() if numbering else 0
    for stop in STOP.finditer(line, search_from):
        before = line[max(start, stop.start() - NEAR) : stop.start()]
        if _ends(before, stop.group(), line[stop.end() : stop.end() + NEAR].lstrip()):
            yield line[start : stop.end()].strip()
            start = stop.end()
    if rest := line[start:].strip():
        yield rest


def _ends(before: str, mark: str, after: str) -> bool:
    """Whether this stop ends a sentence, judged by the word before it and the word after it."""
    if not after or mark[0] in "。！？":
        return True
    if _starts_small(after):
        return False
    if mark != ".":
        return True
    return _word_may_end(_last_word(before), after)


def _starts_small(after: str) -> bool:
    first = LETTER.search(after[:3])
    return after[0] in ",;:" or bool(first and first.group().islower())


def _last_word(before: str) -> str:
    words = before.split()
    return words[-1].lstrip("([\"'“‘") if words else ""


def _word_may_end(word: str, after: str) -> bool:
    lower, follower = word.lower(), re.split(r"[\s,'’]", after, maxsplit=1)[0].lower()
    if lower in BEFORE_A_NUMBER and after[0].isdigit():
        return False
    if lower in MAY_END_A_SENTENCE or re.fullmatch(r"[A-Z]|(?:[A-Za-z]\.)+[A-Za-z]", word):
        return lower not in ABBREVIATIONS and follower in STARTERS
    return lower not in ABBREVIATIONS
