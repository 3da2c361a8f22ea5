"""Asking: one mind after the other until one has begun to speak.

Before the first word a mind that fails is asked again, after a pause that grows and is never the same twice, or that it asks for;
then the next has its turn, so that together they take no longer than FIRST_TOKEN_SECONDS. After the first word nobody is asked
again: a second answer would be glued to half of the first. A call that its provider may be paid for uses up what one was paid for, so
whoever asks says whether one more can be afforded."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Protocol

from django.conf import settings

from apps.agents import breakers, gates
from apps.agents.minds import Mind
from apps.agents.providers import catalogue
from apps.agents.providers.base import Handoff, Kind, Piece, Prompt, ProviderError, Usage, Wordless, counted

logger = logging.getLogger(__name__)
MOST = 3  # times that one mind is asked
PAUSE, LONGEST_PAUSE = 0.25, 4.0  # seconds
_HAVING_READ = ("timeout", "garbled")  # how calls fail of which the provider is paid for what it was told
LONGEST_ANSWER = 400_000  # characters: no model's budget is longer


class SaidEnough(Exception):
    """Raised by whoever hears an answer, to end it well: it is as long as is paid for."""


class Hearer(Protocol):
    """Whom an answer is told. `add` is looked up for each piece, and may be another one then; it raises SaidEnough, or what
    `require_an_end` says."""

    @property
    def add(self) -> Callable[[str], object]: ...


class Heard:
    """Hands each piece to a function, and counts how long they are together."""

    def __init__(self, hear: Callable[[str], object]) -> None:
        self._hear = hear
        self._length = 0

    def add(self, piece: str) -> None:
        self._hear(piece)
        self._length = length = self._length + len(piece)
        if length > LONGEST_ANSWER:
            require_an_end(length)


def require_an_end(length: int) -> None:
    """Raises ProviderError where so many characters can be no answer any more."""
    if length > LONGEST_ANSWER:
        raise _garbled("It goes on without end.")


@dataclass(slots=True)
class Attempt:
    """One call: of whom, when (by the loop's clock), whether its provider is to be paid, for all that is known, what it cost as far as
    that says, and why it failed, where it did."""

    mind: Mind
    began_at: float
    ended_at: float = 0.0
    is_paid: bool = False
    usage: Usage | None = None
    failure: Kind | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Speaking:
    """An attempt that has begun to say something. `held` is what it holds as long as it speaks; what it fails with passes through there."""

    attempt: Attempt
    first: Piece
    rest: AsyncGenerator[Piece, None]
    held: AsyncExitStack


class Attempts:
    """The way to one answer; the last of `made` gave it, or failed last."""

    def __init__(
        self, minds: Sequence[Mind], prompt: Prompt, afford: Callable[[], Awaitable[bool]] | None = None
    ) -> None:
        """`afford` is asked before a call that comes after one that was paid for; without it all are afforded."""
        self.made: list[Attempt] = []
        self._minds, self._prompt, self._afford = minds, prompt, afford
        self._clock = asyncio.get_running_loop().time

    @property
    def mind(self) -> Mind:
        """Who answers, or was asked last."""
        return self.made[-1].mind if self.made else self._minds[0]

    async def tell(self, hearer: Hearer, note: Callable[[Usage | Handoff], object]) -> None:
        """Hand over what the first mind says that says anything; its Usage counts what failed before it too. Raises the last
        ProviderError where none does. Only an answer that ended well makes up for failures before it.

        By calls and not as a generator, which would cost as much again as everything else that is done to a token."""
        speaking = await self._begun()
        async with speaking.held:
            with suppress(SaidEnough):
                self._hand_over(speaking.first, speaking.attempt, hearer, note)
                async for piece in speaking.rest:
                    if type(piece) is str:
                        hearer.add(piece)
                    else:
                        self._hand_over(piece, speaking.attempt, hearer, note)
            breakers.of(speaking.attempt.mind).worked()

    def _hand_over(
        self,
        piece: Piece,
        attempt: Attempt,
        hearer: Hearer,
        note: Callable[[Usage | Handoff], object],
    ) -> None:
        if isinstance(piece, str):
            hearer.add(piece)
        elif isinstance(piece, Usage):
            attempt.usage = counted(piece.input_tokens, piece.output_tokens)
            note(sum((one.usage for one in self.made if one.usage), Usage(0, 0)))
        else:
            note(piece)

    def blame(self, kind: Kind, detail: str) -> None:
        """Count what was noticed elsewhere, such as a mind that fell silent, against the one that speaks."""
        if self.made:
            self._count(self.made[-1], ProviderError(detail, kind=kind, retryable=True))
            breakers.of(self.made[-1].mind).failed(detail)

    async def _begun(self) -> Speaking:
        until = self._clock() + settings.FIRST_TOKEN_SECONDS
        for place, mind in enumerate(self._minds):
            if place and not await self._is_afforded():
                break
            share = (until - self._clock()) / (len(self._minds) - place)
            try:
                return await self._repeated(mind, self._clock() + share)
            except ProviderError as error:
                failed = error
        raise failed

    async def _repeated(self, mind: Mind, until: float) -> Speaking:
        for number in range(1, MOST + 1):
            try:
                return await self._once(mind, until)
            except ProviderError as error:
                failed = error
            logger.warning("%s failed (%d. time): %s", mind, number, failed)
            pause = self._pause(failed, number)
            if not self._may_repeat(failed, number) or self._clock() + pause >= until:
                break
            if not await self._is_afforded():
                break
            await asyncio.sleep(pause)
        raise failed

    async def _is_afforded(self) -> bool:
        """Whether one more call is paid for: what was reserved for the last may be used up, though it failed."""
        return self._afford is None or not self.made[-1].is_paid or await self._afford()

    async def _once(self, mind: Mind, until: float) -> Speaking:
        attempt = Attempt(mind, self._clock())
        self.made.append(attempt)
        provider = catalogue.load(mind.provider, mind.connection)
        prompt = replace(self._prompt, model=mind.model)
        async with AsyncExitStack() as held:
            held.enter_context(self._judged(attempt))
            await held.enter_async_context(gates.place(mind, until))
            held.enter_context(breakers.of(mind).watching())
            attempt.is_paid = True
            pieces = await held.enter_async_context(aclosing(provider.stream(prompt)))
            first = await self._first(pieces, attempt, until)
            breakers.of(mind).spoke()
            return Speaking(attempt, first, pieces, held.pop_all())

    @contextmanager
    def _judged(self, attempt: Attempt) -> Iterator[None]:
        try:
            yield
        except ProviderError as error:
            self._count(attempt, error)
            raise
        finally:
            attempt.ended_at = self._clock()

    async def _first(self, pieces: AsyncGenerator[Piece, None], attempt: Attempt, until: float) -> Piece:
        """The first piece that a visitor would see."""
        try:
            async with asyncio.timeout_at(until):
                async for piece in pieces:
                    if isinstance(piece, Usage):
                        attempt.usage = counted(piece.input_tokens, piece.output_tokens)
                    elif piece:
                        return piece
        except TimeoutError:
            raise ProviderError("It did not begin in time.", kind="timeout", retryable=True) from None
        raise _garbled("It said nothing.")

    def _count(self, attempt: Attempt, error: ProviderError) -> None:
        attempt.failure, attempt.detail = error.kind, str(error)
        was_read = error.kind in _HAVING_READ or isinstance(error, Wordless)
        attempt.is_paid = attempt.is_paid and (was_read or attempt.usage is not None)

    def _may_repeat(self, error: ProviderError, number: int) -> bool:
        is_worth_it = error.retryable and not isinstance(error, breakers.Open)
        return is_worth_it and number < MOST

    def _pause(self, error: ProviderError, number: int) -> float:
        if error.retry_after is not None:  # that long at least; all who were told so would come back at once
            return error.retry_after + random.uniform(0, max(PAUSE, error.retry_after / 4))
        return random.uniform(0.5, 1) * min(LONGEST_PAUSE, PAUSE * 2.0 ** (number - 1))


def _garbled(message: str) -> ProviderError:
    return ProviderError(message, kind="garbled", retryable=True)
