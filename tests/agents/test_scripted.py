import asyncio
import time

import pytest

from apps.agents.providers.base import Handoff, Prompt, ProviderError, Usage
from apps.agents.providers.catalogue import NOWHERE
from tests.scripted import Script, Scripted, answer


async def pieces_of(model: str) -> list[str | Usage | Handoff]:
    prompt = Prompt(model, 0.0, "", (), "three small words", (), "")
    return [piece async for piece in Scripted(NOWHERE).stream(prompt)]


async def test_it_says_its_tokens_and_what_they_cost() -> None:
    assert await pieces_of("tokens=3") == ["w0 ", "w1 ", "w2 ", Usage(3, 3)]
    assert answer("tokens=3") == "w0 w1 w2 "


@pytest.mark.timely
async def test_it_keeps_its_rate_over_the_whole_answer() -> None:
    began = time.monotonic()
    await pieces_of("tokens=101 rate=500 first=0.05")
    assert 0.25 <= time.monotonic() - began < 1


async def test_it_stalls_and_fails_where_the_script_says() -> None:
    stream = Scripted(NOWHERE).stream(Prompt("tokens=3 stall=2", 0.0, "", (), "", (), ""))
    assert [await anext(stream), await anext(stream)] == ["w0 ", "w1 "]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(stream), 0.05)
    with pytest.raises(ProviderError, match="after 0"):
        await pieces_of("fail=0")


async def test_it_asks_for_a_person_before_it_ends() -> None:
    assert [type(piece) for piece in await pieces_of("tokens=1 handoff=1")] == [str, Handoff, Usage]


async def test_a_salted_answer_is_another_in_each_run() -> None:
    texts = {"".join(map(str, (await pieces_of("tokens=3 text=salted"))[:-1])) for _ in range(5)}
    assert len(texts) > 1
    assert all(answer("tokens=3 text=salted", like=text) == text for text in texts)


def test_what_is_no_part_of_a_script_means_nothing() -> None:
    assert Script.read("gpt-5 tokens=7 colour=red") == Script(tokens=7)
    assert answer("tokens=3 text=unicode") == "éß 日本"
