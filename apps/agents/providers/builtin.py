"""The provider that needs no model server: it quotes sentences of its sources and cites them, or says it does not know."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor

from apps.agents import relatedness, smalltalk
from apps.agents.embedders import catalogue
from apps.agents.followups import in_context
from apps.agents.providers.base import Connection, Handoff, Piece, Prompt, Source, Usage
from apps.agents.relatedness import RELATED, Candidate, Question
from apps.agents.words import content_words

EMBEDDER = "minilm"
SURE = 0.85  # quoted without reading on: 2.5 of 6 sources read on average, for 1.5 points fewer right first quotes
ADDED = 0.6  # a second sentence may be less related than the first, but not much less fit
WORSE = 0.35
MOST_QUOTES = 2
READ_AHEAD = 1
TOO_ALIKE = 0.7

_reader = ThreadPoolExecutor(1, "builtin")  # one for the process: more threads than cores only add waiting


class Builtin:
    """Quotes as soon as it is sure, so that the first words flow while later sources are still unread."""

    def __init__(self, connection: Connection) -> None:
        """Goes nowhere."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        """One or two verbatim sentences, each followed by ` [n]`; a token of its Usage is a word."""
        reading = Reading(prompt)
        text = smalltalk.reply(prompt.question) or await reading.next_quote() or prompt.refusal
        written = 0
        while text:
            for piece in pieces(text):
                yield piece
            written += len(text.split())
            following = await reading.next_quote() if reading.has_begun else None
            text = f" {following}" if following else ""
        if smalltalk.wants_a_person(prompt.question):
            yield Handoff("The visitor asked for a person.")
        yield Usage(reading.words_read + len(prompt.question.split()), written)


class Reading:
    """One pass over a prompt's sources, best first."""

    def __init__(self, prompt: Prompt) -> None:
        self.words_read = 0
        self._request = in_context(prompt.question, earlier=[turn.request for turn in prompt.history])
        self._question: Question | None = None
        self._unread = list(prompt.sources)
        self._pool: list[Candidate] = []
        self._quoted: list[Candidate] = []

    @property
    def has_begun(self) -> bool:
        return bool(self._quoted)

    async def next_quote(self) -> str | None:
        """The best sentence that was not quoted yet, with its citation; reads no further than it must."""
        if len(self._quoted) == MOST_QUOTES:
            return None
        for _ in self._unread[:READ_AHEAD] if self._quoted else self._unread[:]:
            await self._read(self._unread.pop(0))
            best = best_of(self._pool, quoted=self._quoted)
            if best and not self._quoted and best.relatedness >= SURE:
                break
        best = best_of(self._pool, quoted=self._quoted)
        if best is None:
            return None
        self._quoted.append(best)
        return f"{best.text} [{best.source}]"

    async def _read(self, source: Source) -> None:
        self.words_read += len(source.text.split())
        self._pool += await asyncio.get_running_loop().run_in_executor(_reader, self._judge, source)

    def _judge(self, source: Source) -> list[Candidate]:
        embedder = catalogue.load(EMBEDDER)
        if self._question is None:
            self._question = relatedness.asked(self._request, embedder=embedder)
        return relatedness.candidates(
            self._question, source.text, source=source.number, score=source.score, embedder=embedder
        )


def best_of(pool: Sequence[Candidate], *, quoted: Sequence[Candidate]) -> Candidate | None:
    """The fittest sentence that is related to the question and says something not said yet."""
    bar, floor = (ADDED, quoted[0].fitness - WORSE) if quoted else (RELATED, float("-inf"))
    free = [one for one in pool if one.relatedness >= bar and one.fitness >= floor]
    fresh = [one for one in free if not any(_alike(one, said) for said in quoted)]
    return max(fresh, key=lambda one: one.fitness, default=None)


def pieces(text: str) -> list[str]:
    """Words with the white space before them; together they are the text."""
    return re.findall(r"\s*\S+|\s+\Z", text)


def _alike(one: Candidate, other: Candidate) -> bool:
    ours, theirs = content_words(one.text), content_words(other.text)
    return one.text == other.text or len(ours & theirs) >= TOO_ALIKE * max(1, len(ours | theirs))
