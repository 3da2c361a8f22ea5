"""A source of tokens whose script stands in the question, such as `at=1234.567 tokens=500 rate=50`, so that the listener who asks
knows when each token is due: on the machine's monotonic clock, which all its processes share."""

import asyncio
from collections.abc import AsyncGenerator
from math import ceil
from weakref import WeakKeyDictionary

from apps.agents.providers.base import Connection, Piece, Prompt, Usage
from tests.scripted import BREATH, Script, tokens


class Clock:
    """Wakes those who wait for the same millisecond with one timer, so that it is the server that is measured and not its source."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.now = loop.time
        self._waiting: dict[int, list[asyncio.Future[None]]] = {}

    def reaches(self, moment: float) -> "asyncio.Future[None]":
        slot = ceil(moment * 1000)
        if slot not in self._waiting:
            self._waiting[slot] = []
            self._loop.call_at(slot / 1000, self._wake, slot)
        waiter = self._loop.create_future()
        self._waiting[slot].append(waiter)
        return waiter

    def _wake(self, slot: int) -> None:
        for waiter in self._waiting.pop(slot):
            if not waiter.done():
                waiter.set_result(None)


_clocks: "WeakKeyDictionary[asyncio.AbstractEventLoop, Clock]" = WeakKeyDictionary()


def _clock() -> Clock:
    loop = asyncio.get_running_loop()
    if loop not in _clocks:
        _clocks[loop] = Clock(loop)
    return _clocks[loop]


def question(script: str, *, at: float) -> str:
    """`at` in whole milliseconds, which is as fine as the timers of uvloop are."""
    return f"at={at:.3f} {script}"


async def pieces(question: str) -> AsyncGenerator[Piece, None]:
    """The script's tokens by its schedule: one that is late does not make those that follow late."""
    when, _, script = question.partition(" ")
    told, clock = Script.read(script), _clock()
    began = float(when.removeprefix("at=")) if when.startswith("at=") else clock.now()
    for number, token in enumerate(tokens(told)):
        if told.rate or number == 0:
            due = began + (number / told.rate if number else 0)
            if due > clock.now():
                await clock.reaches(due)
        if number % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        yield token
    yield Usage(0, told.tokens)


class Paced:
    """The same as a provider, for the product."""

    def __init__(self, connection: Connection) -> None:
        """Goes nowhere."""

    def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        return pieces(prompt.question)
