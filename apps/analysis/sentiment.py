"""What a message felt like, by VADER (Hutto & Gilbert 2014). The only file that knows the library.

It is imported inside the functions that need it: a web process imports this module to enqueue and has no VADER."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    """The words that pull that way, strongest first; one that a negation turned round is named with it ("not helpful")."""
    from vaderSentiment.vaderSentiment import SentiText

    sentence = SentiText(text)
    words: list[str] = sentence.words_and_emoticons
    pulls = {_named(words, place): sign * _pull(sentence, words, place) for place in range(len(words))}
    return sorted((word for word, pull in pulls.items() if pull > 0), key=lambda word: -pulls[word])[
        :_MOST_WORDS
    ]


def _pull(sentence: "SentiText", words: list[str], place: int) -> float:
    """A word's valence where it stands: with the emphasis and the negation in the three words before it."""
    if described := _analyzer().emojis.get(words[place]):
        return float(_analyzer().polarity_scores(described)["compound"])
    [valence] = _analyzer().sentiment_valence(0, sentence, words[place], place, [])
    return float(valence)


def _named(words: list[str], place: int) -> str:
    from vaderSentiment.vaderSentiment import negated

    before = words[max(0, place - 3) : place]
    turned = next((word for word in reversed(before) if negated([word.lower()])), None)
    known = words[place].lower() in _analyzer().lexicon
    return f"{turned} {words[place]}" if turned and known else words[place]


@cache
def _analyzer() -> "SentimentIntensityAnalyzer":
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
