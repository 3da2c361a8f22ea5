"""A provider whose every token is known beforehand: `Agent.model` is its script, such as `tokens=200 rate=50 first=0.05 fail=30`.

tokens   how many there are (20)
rate     how many a second, kept over the whole answer; 0 is flat out, letting others run every 50 (0)
first    seconds before the first (0)
stall    after so many never another
fail     after so many a ProviderError
handoff  1: ask for a person at the end
text     `w` for w0 w1 w2 …, `lorem`, `unicode` for characters of 1 to 4 bytes, or `salted` for another word in each run, such as
         face0 face1 face2 …, so that what two runs of one reply have said cannot be taken for each other
say      a text in its place, quoted as in an address, in pieces of three characters

What it was told lies in `TOLD`, the latest last."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass, fields
from functools import cache
from typing import Any
from urllib.parse import unquote

from apps.agents.providers.base import Connection, Handoff, Piece, Prompt, ProviderError, Usage

BREATH = 50
TOLD: deque[Prompt] = deque(maxlen=2000)
SALT = 4
LOREM = [
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "consectetur",
    "adipiscing",
    "elit",
    "sed",
    "do",
    "eiusmod",
]
UNICODE = ["é", "ß ", "日本", "語\n", "👩‍👩‍👧", " ", "\u0301", "𝄞", "ﬁ ", "\t", "نص ", "\\", '"']


@dataclass(frozen=True, slots=True)
class Script:
    """What a model name says; anything in it that is no `key=value` of ours means nothing."""

    tokens: int = 20
    rate: float = 0.0
    first: float = 0.0
    stall: int = -1
    fail: int = -1
    handoff: int = 0
    text: str = "w"
    say: str = ""

    @classmethod
    @cache
    def read(cls, model: str) -> "Script":
        kinds: dict[str, Any] = {field.name: type(field.default) for field in fields(cls)}
        pairs = (word.split("=", 1) for word in model.split() if "=" in word)
        return cls(**{key: kinds[key](value) for key, value in pairs if key in kinds})

    def token(self, number: int, salt: str = "") -> str:
        if self.text == "salted":
            return f"{salt}{number} "
        if self.text == "lorem":
            return f"{LOREM[number % len(LOREM)]} "
        if self.text == "unicode":
            return UNICODE[number % len(UNICODE)]
        return f"w{number} "


@cache
def tokens(script: Script) -> tuple[str, ...]:
    """Every token of the answer, made once, so that giving them out costs next to nothing."""
    if script.say:
        text = unquote(script.say)
        return tuple(text[start : start + 3] for start in range(0, len(text), 3))
    return tuple(script.token(number) for number in range(script.tokens))


def salted(script: Script, salt: str) -> tuple[str, ...]:
    return tuple(script.token(number, salt) for number in range(script.tokens))


def answer(model: str, *, like: str = "") -> str:
    """The whole text of an agent with this model, for whoever checks one; a salted one with the salt of this text."""
    script = Script.read(model)
    return "".join(salted(script, like[:SALT]) if script.text == "salted" else tokens(script))


class Scripted:
    """Keeps to a schedule from the start of the answer, so that a late token does not make all that follow late."""

    def __init__(self, connection: Connection) -> None:
        """Goes nowhere."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        TOLD.append(prompt)
        script = Script.read(prompt.model)
        clock = asyncio.get_running_loop().time
        began = clock() + script.first
        await asyncio.sleep(script.first)
        salt = "".join(random.choices("abcdef", k=SALT))
        for number, token in enumerate(salted(script, salt) if script.text == "salted" else tokens(script)):
            await _falter(script, number)
            if script.rate:
                late = clock() - began - number / script.rate
                if late < 0:
                    await asyncio.sleep(-late)
            if number % BREATH == BREATH - 1:
                await asyncio.sleep(0)
            yield token
        await _falter(script, script.tokens)
        if script.handoff:
            yield Handoff("the script says so")
        yield Usage(len(prompt.question.split()), script.tokens if not script.say else len(tokens(script)))

    async def models(self) -> dict[str, str]:
        return {}

    def missing(self, model: str, models: Collection[str]) -> str | None:
        return None


async def _falter(script: Script, said: int) -> None:
    if said == script.stall:
        await asyncio.Event().wait()
    if said == script.fail:
        raise ProviderError(f"scripted to fail after {said}", kind="unreachable", retryable=True)
