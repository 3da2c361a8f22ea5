"""What a message felt like, by VADER (Hutto & Gilbert 2014). The only file that knows the library."""

from dataclasses import dataclass
from functools import cache

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer, SentiText

_THRESHOLD = 0.05  # the authors' own bounds for the compound score
_MOST_WORDS = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """`score` is the compound score in [-1, 1]; `cause` names the words that decided, most telling first."""

    sentiment: str
    score: float
    cause: str


def judge(text: str) -> Verdict:
    score = float(_analyzer().polarity_scores(text)["compound"])
    if abs(score) < _THRESHOLD:
        return Verdict("neutral", score, "no charged words")
    sign = 1 if score > 0 else -1
    return Verdict(
        "positive" if sign > 0 else "negative", score, ", ".join(_deciding(text, sign)) or "its punctuation"
    )


def _deciding(text: str, sign: int) -> list[str]:
    """The words whose removal moves the score the most against its sign: negation and emphasis count with their word."""
    words = SentiText(text).words_and_emoticons
    whole = _compound(words)
    weights = {
        word: (whole - _compound(words[:place] + words[place + 1 :])) * sign
        for place, word in enumerate(words)
    }
    telling = [word for word, weight in weights.items() if weight > 0.01]
    return sorted(telling, key=lambda word: -weights[word])[:_MOST_WORDS]


def _compound(words: list[str]) -> float:
    return float(_analyzer().polarity_scores(" ".join(words))["compound"])


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()
