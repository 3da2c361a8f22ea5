"""The provider on a real model: that it streams, stops, counts and is not absurdly slow. What it says is not judged."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from apps.agents.providers import catalogue
from apps.agents.providers.base import Connection, Message, Piece, Prompt, Provider, Usage

SLOWEST = 2.0  # tokens a second: one busy core makes some twenty
PROMPT = Prompt(
    "smollm2",
    0.2,
    "",
    (),
    "",
    (),
    "",
    most_tokens=40,
    messages=(Message("user", "Write a long story about the sea."),),
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).with_name("serve.py"))]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ
    )
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    assert address, "The model's server did not start."
    try:
        yield address
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def provider(url: str) -> Provider:
    return catalogue.load("openai", Connection(url=url, is_trusted=True))


async def heard(provider: Provider, prompt: Prompt) -> list[Piece]:
    return [piece async for piece in provider.stream(prompt)]


async def test_it_streams_and_counts(provider: Provider) -> None:
    began = time.monotonic()
    *pieces, usage = await heard(provider, PROMPT)
    seconds = time.monotonic() - began
    assert len(pieces) > 10
    assert isinstance(usage, Usage)
    assert usage.input_tokens > 5
    assert len(pieces) - 2 <= usage.output_tokens <= PROMPT.most_tokens
    print(f"\n{usage.output_tokens / seconds:.1f} tokens/s")
    assert usage.output_tokens / seconds > SLOWEST


async def test_it_keeps_to_its_most_tokens(provider: Provider) -> None:
    usage = (await heard(provider, replace(PROMPT, most_tokens=5)))[-1]
    assert isinstance(usage, Usage)
    assert usage.output_tokens == 5


async def test_who_is_left_alone_has_time_for_others(provider: Provider) -> None:
    """Two answers run at once there: were those that were left still written, the third would wait for 2,000 tokens."""
    endless = replace(PROMPT, most_tokens=2000)
    for _ in range(4):
        stream = provider.stream(endless)
        await anext(stream)
        await stream.aclose()
    answer = await asyncio.wait_for(heard(provider, replace(PROMPT, most_tokens=5)), 30)
    assert isinstance(answer[-1], Usage)
