"""The words that carry a question's meaning, in a form in which "returns" and "returned" are one."""

import re

WORD = re.compile(r"[^\W_]+")
EMPTY = frozenset(
    WORD.findall(
        """
        a about am an and any anyone anything are as at be been but by can could did do does else every
        everything for from get give gives got had has have he hello her hi his how i if in into is it its just
        know let like long many may me might much must my need no not of on one or our out please shall she
        should so some someone something tell than thanks that the their them then there these they this those
        to us want was we were what when where which who whom whose why will with would you your s t d ll m re
        ve
        """
    )
)
ENDING = re.compile(r"(?:ments?|ings?|ied|ies|ed|es|s|ly|e|y)$")


def content_words(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in WORD.findall(text.lower()) if word not in EMPTY)


def stem(word: str) -> str:
    """A crude stem: it only has to be the same for the forms of one word."""
    ending = ENDING.search(word)
    if ending and ending.start() >= 3:
        word = word[: ending.start()]
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1].isalpha() else word
