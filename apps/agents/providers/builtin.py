"""The provider that needs no model server: it quotes sentences of its sources and cites them, or says it does not know."""

import re
from collections.abc import AsyncGenerator, Collection, Sequence

from apps.agents import relatedness, smalltalk
from apps.agents.followups import in_context
from apps.agents.providers.base import Connection, Handoff, Piece, Prompt, Source, Usage
from apps.agents.relatedness import Candidate, Given, Line
from apps.agents.sentences import sentences
from apps.agents.words import content_words

WORSE = 1.1  # by so much a second quote may be less fit than the first
MOST_QUOTES = 2
TOO_ALIKE = 0.7


class Builtin:
    """Quotes what was found; where nothing was, it says so."""

    def __init__(self, connection: Connection) -> None:
        """Goes nowhere."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        """One or two verbatim sentences, each followed by ` [n]`; a token of its Usage is a word."""
        text = smalltalk.reply(prompt.question) or answer(prompt) or prompt.refusal
        for piece in pieces(text):
            yield piece
        if smalltalk.wants_a_person(prompt.question):
            yield Handoff("The visitor asked for a person.")
        read = sum(len(source.text.split()) for source in prompt.sources)
        yield Usage(read + len(prompt.question.split()), len(text.split()))

    async def models(self) -> dict[str, str]:
        return {"": "Quotes what was found; there is nothing to choose."}

    def missing(self, model: str, models: Collection[str]) -> str | None:
        return None


def answer(prompt: Prompt) -> str:
    """The fittest sentences of all sources with their citations; empty where there is none."""
    request = in_context(prompt.question, earlier=[turn.request for turn in prompt.history])
    pool = relatedness.candidates(request, [_given(source) for source in prompt.sources])
    return " ".join(f"{quote.text} [{quote.source}]" for quote in quotes(pool))


def _given(source: Source) -> Given:
    """Where nobody has looked at its sentences yet, each is as near as all of it."""
    lines = source.lines or [Line(sentence, source.score) for sentence in sentences(source.text)]
    return Given(source.number, source.score, lines)


def quotes(pool: Sequence[Candidate]) -> list[Candidate]:
    """The fittest sentence, and the next that is not much less fit and says something else."""
    chosen: list[Candidate] = []
    for one in sorted(pool, key=lambda candidate: -candidate.fitness):
        is_fit = not chosen or one.fitness >= chosen[0].fitness - WORSE
        if len(chosen) < MOST_QUOTES and is_fit and not any(_alike(one, said) for said in chosen):
            chosen.append(one)
    return chosen


def pieces(text: str) -> list[str]:
    """Words with the white space before them; together they are the text."""
    return re.findall(r"\s*\S+|\s+\Z", text)


def _alike(one: Candidate, other: Candidate) -> bool:
    ours, theirs = content_words(one.text), content_words(other.text)
    return one.text == other.text or len(ours & theirs) >= TOO_ALIKE * max(1, len(ours | theirs))
