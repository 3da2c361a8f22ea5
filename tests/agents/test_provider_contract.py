"""What every provider keeps to. The real clients talk to a server that does as it is told (tests/upstream.py)."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from apps.agents.providers import catalogue, openai
from apps.agents.providers.base import (
    Connection,
    Message,
    Provider,
    Usage,
)
from tests.agents.asking import PROMPT, SOURCE, TOLD, heard
from tests.upstream import Asked, Script, Upstream
from tests.wires import INPUT, OUTPUT, WIRES, Wire


def test_each_provider_has_its_wire_in_this_suite() -> None:
    assert set(catalogue.PROVIDERS) - {"scripted"} == {"builtin", *WIRES}


@pytest.mark.parametrize("name", ["builtin", *WIRES])
async def test_it_says_pieces_of_text_and_then_what_they_cost(name: str) -> None:
    wire = WIRES.get(name)
    async with Upstream(wire or WIRES["openai"]) as upstream:
        connection = wire.connection(upstream.port) if wire else Connection()
        asked = replace(PROMPT, question="How long do I have to return something?", sources=(SOURCE,))
        *pieces, usage = await heard(catalogue.load(name, connection), asked)
    assert all(isinstance(piece, str) and piece for piece in pieces)
    assert isinstance(usage, Usage)
    text = "".join(str(piece) for piece in pieces)
    assert text == ("Two words" if wire else "You have 30 days to return something. [1]")
    if wire:
        assert usage == Usage(INPUT, OUTPUT)


async def test_the_model_is_told_the_messages_and_the_parameters(
    wire: Wire, upstream: Upstream, provider: Provider
) -> None:
    await heard(provider, replace(PROMPT, top_p=0.5, stop=("END",)))
    [asked] = upstream.asked
    assert wire.text(asked.json) == "".join(one.text for one in TOLD)
    assert _parameters(asked) == (0.2, 99, 0.5, ["END"])
    await heard(provider)
    assert _parameters(upstream.asked[1]) == (0.2, 99, None, None)


@pytest.mark.parametrize(("url", "name"), [
    ("https://api.openai.com/v1", "max_completion_tokens"), ("https://eu.api.openai.com/v1", "max_completion_tokens"),
    ("https://shop.openai.azure.com/openai/v1", "max_completion_tokens"), ("https://openrouter.ai/api/v1", "max_tokens"),
    ("https://api.openai.com.example/v1", "max_tokens"), ("http://127.0.0.1:1234/v1", "max_tokens"),
])  # fmt: skip
def test_the_most_tokens_go_by_the_name_that_the_server_knows(url: str, name: str) -> None:
    assert openai.options(PROMPT, url) == {"temperature": 0.2, name: 99}


async def test_a_model_that_takes_no_temperature_is_told_none(upstream: Upstream, provider: Provider) -> None:
    await heard(provider, replace(PROMPT, temperature=None))
    assert "temperature" not in upstream.asked[0].body.decode()
    assert _parameters(upstream.asked[0]) == (None, 99, None, None)


async def test_ollama_makes_room_for_all_that_it_is_told_and_says() -> None:
    async with Upstream(WIRES["ollama"]) as upstream:
        provider = catalogue.load("ollama", WIRES["ollama"].connection(upstream.port))
        await heard(provider, replace(PROMPT, context_tokens=12_000))
    assert upstream.asked[0].json["options"]["num_ctx"] == 12_000 + 99


def _parameters(asked: Asked) -> tuple[Any, Any, Any, Any]:
    body = asked.json
    at = body.get("options") or body.get("inferenceConfig") or body
    most = at.get("num_predict") or at.get("maxTokens") or at.get("max_tokens")
    return (
        at.get("temperature"),
        most,
        at.get("top_p") or at.get("topP"),
        at.get("stop") or at.get("stopSequences"),
    )


async def test_characters_of_every_length_arrive_whole(upstream: Upstream, provider: Provider) -> None:
    pieces = ("é", "日本", "👩‍👩‍👧 ", "\n\n", "𝄞", '"\\', "\u2028\x85", "نص")
    upstream.will(pieces=pieces)
    assert tuple((await heard(provider))[:-1]) == pieces


async def test_answers_one_after_the_other_share_a_connection(upstream: Upstream, provider: Provider) -> None:
    for _ in range(3):
        await heard(provider)
    assert len(upstream.connections) == 1


async def test_many_answers_at_once_do_not_mix(upstream: Upstream, provider: Provider) -> None:
    upstream.will(echoes=True, first=1.0)
    prompts = [replace(PROMPT, messages=(Message("user", f"number {n}"),)) for n in range(20)]
    answers = await asyncio.gather(*(heard(provider, one) for one in prompts))
    assert [answer[0] for answer in answers] == [f"number {n}" for n in range(20)]
    assert upstream.most_running == 20


@pytest.mark.parametrize(("into", "out"), [
    (-1, 7), (11, -7), (2**31, 7), (11, 10**30), ("many", 7), (11, None), (11.5, 7), ([11], 7), ({"a": 1}, {}), (0, 0), ("", ""),
])  # fmt: skip
async def test_numbers_that_cannot_be_are_nobodys_and_cost_no_answer(wire: Wire, into: Any, out: Any) -> None:
    """Budgets are settled by what is believed; whoever says nothing that can be is estimated."""
    script = Script(raw=wire.piece("Two ") + wire.piece("words") + wire.end(into, out))
    async with Upstream(wire, script) as upstream:
        said = await heard(catalogue.load(wire.provider, wire.connection(upstream.port)))
    assert said == ["Two ", "words"]


async def test_the_largest_number_that_can_be_is_believed(wire: Wire) -> None:
    script = Script(raw=wire.piece("Two ") + wire.end(2**31 - 1, 0))
    async with Upstream(wire, script) as upstream:
        said = await heard(catalogue.load(wire.provider, wire.connection(upstream.port)))
    assert said == ["Two ", Usage(2**31 - 1, 0)]
