"""A source of tokens whose script stands in the question, such as `at=1234.567 tokens=500 rate=50`, so that the listener who asks
knows when each token is due: on the machine's monotonic clock, which all its processes share."""

import asyncio
from collections.abc import AsyncGenerator

from apps.agents.providers.base import Connection, Piece, Prompt, Usage
from tests.scripted import BREATH, Script, tokens


def question(script: str, *, at: float) -> str:
    """`at` in whole milliseconds, which is as fine as the timers of uvloop are."""
    return f"at={at:.3f} {script}"


async def pieces(question: str) -> AsyncGenerator[Piece, None]:
    """The script's tokens by its schedule: one that is late does not make those that follow late."""
    when, _, script = question.partition(" ")
    told, clock = Script.read(script), asyncio.get_running_loop().time
    began = float(when.removeprefix("at=")) if when.startswith("at=") else clock()
    for number, token in enumerate(tokens(told)):
        if told.rate or number == 0:
            early = began + (number / told.rate if number else 0) - clock()
            if early > 0:
                await asyncio.sleep(early)
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
