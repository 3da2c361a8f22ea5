"""Nobody waits any more: what counts is what the server sees of it."""

import asyncio
import threading
import time
from typing import Any

import pytest

from apps.agents.providers.base import (
    Provider,
)
from tests.agents.asking import PROMPT, heard
from tests.upstream import Script, Upstream

PROMPT_SECONDS = 0.5  # within which a cancellation has to be upstream


@pytest.mark.timely
@pytest.mark.parametrize("script", [Script(before=60), Script(first=60), Script(stall_after=1), Script(pieces=("w ",) * 10_000, between=0.01)],
                         ids=["before the headers", "before the first word", "after a word", "in full flow"])  # fmt: skip
async def test_cancelling_closes_the_connection_upstream(
    upstream: Upstream, provider: Provider, script: Script
) -> None:
    upstream.script = script
    waiting = asyncio.create_task(heard(provider))
    asked = await upstream.arrival()
    await asyncio.sleep(0.05)
    began = time.monotonic()
    waiting.cancel()
    await asyncio.wait_for(asked.gone.wait(), PROMPT_SECONDS)
    assert time.monotonic() - began < PROMPT_SECONDS
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.to_thread(_join_bedrocks)
    assert not _bedrocks()


@pytest.mark.timely
async def test_leaving_an_answer_in_its_midst_closes_the_connection_upstream(
    upstream: Upstream, provider: Provider
) -> None:
    upstream.will(pieces=("w ",) * 10_000, between=0.01)
    stream = provider.stream(PROMPT)
    assert await anext(stream) == "w "
    await stream.aclose()
    await asyncio.wait_for((await upstream.arrival()).gone.wait(), PROMPT_SECONDS)


async def test_ending_one_answer_leaves_the_others_alone(upstream: Upstream, provider: Provider) -> None:
    """Connections are reused, so what ends one must know whose it is by now."""
    upstream.will(pieces=("w ",) * 20, between=0.005)

    async def left_early() -> None:
        stream = provider.stream(PROMPT)
        await anext(stream)
        await stream.aclose()

    answers: list[Any] = await asyncio.gather(
        *(one for _ in range(15) for one in (left_early(), heard(provider)))
    )
    whole = [answer for answer in answers if answer is not None]
    assert all(len(answer) == 21 for answer in whole)
    assert len(whole) == 15


def _bedrocks() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "bedrock"]


def _join_bedrocks() -> None:
    for one in _bedrocks():
        one.join(2)
