"""Answers that no server should give: each reply ends, in words or in a ProviderError. Ten thousand of them: benchmarks/providers.py."""

import asyncio
from uuid import uuid4

import pytest

from apps.agents import attempts
from apps.agents.attempts import Attempts, Heard
from apps.agents.minds import Mind
from apps.agents.providers.base import Message, Piece, Prompt, ProviderError
from tests import garbage
from tests.upstream import Upstream
from tests.wires import WIRES

PROMPT = Prompt("", 0.2, "", (), "q", (), "no", messages=(Message("user", "q"),))


@pytest.mark.parametrize("name", WIRES)
async def test_every_answer_ends(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSE", 0.0)
    wire, ends = WIRES[name], set()
    async with Upstream(wire) as upstream:
        for number in range(150):
            upstream.script = garbage.script(wire, number)
            asking = Attempts((Mind(uuid4(), name, "m", wire.connection(upstream.port)),), PROMPT)
            try:
                async with asyncio.timeout(10):
                    said: list[Piece] = []
                    await asking.tell(Heard(said.append), said.append)
                ends.add("completed")
                assert said
            except ProviderError as error:
                ends.add(error.kind)
    assert {"completed", "garbled"} <= ends


def test_the_same_number_gives_the_same_answer() -> None:
    for wire in WIRES.values():
        assert [garbage.script(wire, n) for n in range(20)] == [garbage.script(wire, n) for n in range(20)]
