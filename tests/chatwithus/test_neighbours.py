"""`make up` notices Ollama, and waits for nobody."""

import asyncio
import time

import pytest

from chatwithus import neighbours
from tests.server import free_port
from tests.upstream import Script, Upstream
from tests.wires import OLLAMA

# Its patience is a third of a second.
pytestmark = pytest.mark.timely


async def offered(script: Script) -> str | None:
    async with Upstream(OLLAMA, script) as upstream:
        return await asyncio.to_thread(neighbours.ollama, f"http://127.0.0.1:{upstream.port}")


async def test_ollama_is_offered_with_a_model_it_has() -> None:
    said = await offered(Script(raw=b'{"models":[{"name":"llama3.2:latest"}]}'))
    assert said is not None
    assert "the model llama3.2:latest" in said


async def test_ollama_without_a_model_comes_with_the_command_that_fetches_one() -> None:
    said = await offered(Script(raw=b'{"models":[]}'))
    assert said is not None
    assert said.endswith("ollama pull llama3.2")


@pytest.mark.parametrize(
    "script",
    [
        Script(raw=b"<html>"),
        Script(raw=b'{"models":5}'),
        Script(raw=b"[]"),
        Script(status=404),
        Script(before=60),
    ],
)
async def test_whoever_else_is_there_is_not_offered(script: Script) -> None:
    began = time.monotonic()
    assert await offered(script) is None
    assert time.monotonic() - began < 2


def test_nobody_is_not_waited_for() -> None:
    began = time.monotonic()
    assert neighbours.ollama(f"http://127.0.0.1:{free_port()}") is None
    assert neighbours.ollama("no address") is None
    assert time.monotonic() - began < 1
