"""Why an agent said what it said, and what that took: kept with every reply, however it ended."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson
import pytest
from channels.db import database_sync_to_async

from apps.agents import calls, prices, versions
from apps.agents.models import Call, Price
from apps.chats import conversations, replies
from apps.chats.conversations import Opening
from apps.chats.models import ContentChat, Explanation
from tests.chats.conftest import script, until_said
from tests.world import House

on_database = database_sync_to_async


async def ask(house: House, text: str = "When is the shop open?", *, stop: bool = False) -> replies.Question:
    opening = Opening(house.agent.id, "v_test")
    chat = conversations.chat_id_for(opening)
    question = await replies.ask(chat, text, client_message_id=uuid4().hex, opening=opening)
    if stop:
        await until_said(question, 20)
        await replies.stop(chat)
        await replies.settle()
    else:
        async for _ in question.answer():
            pass
    return question


@on_database
def explained(question: replies.Question) -> tuple[ContentChat, Explanation | None, list[Call]]:
    exchange = ContentChat.objects.get(id=question.asked.exchange.id)
    found = Explanation.objects.filter(exchange=exchange).first()
    return exchange, found, list(Call.objects.filter(exchange=exchange.id).order_by("at"))


async def test_an_answer_can_be_explained(house: House) -> None:
    await on_database(house.knows)("The shop is open on Monday.")
    await on_database(script)(house, "say=On%20Monday.%20[1]", temperature=0.7, stop=["END"])
    exchange, found, [call] = await explained(await ask(house))
    assert found is not None
    assert exchange.version == house.agent.version == 2
    assert (found.provider, found.model) == ("scripted", "say=On%20Monday.%20[1]")
    assert (found.parameters["temperature"], found.parameters["stop"]) == (0.7, ["END"])
    assert set(found.tokens) == {"instructions", "passages", "history", "question"}
    [passage] = found.passages
    assert (passage["number"], passage["excerpt"]) == (1, "The shop is open on Monday.")
    assert passage["score"] > 0
    assert found.timings["found"] <= found.timings["first_token"] <= found.timings["total"]
    [attempt] = found.attempts
    assert (attempt["provider"], attempt["failure"]) == ("scripted", "")
    assert (call.version, call.is_exact, call.output_tokens) == (2, True, attempt["output_tokens"])


async def test_each_exchange_names_the_version_that_answered_it(house: House) -> None:
    await on_database(script)(house, "tokens=3")
    before, _, _ = await explained(await ask(house))
    await on_database(versions.edit)(house.agent, temperature=1.0)
    again, _, _ = await explained(await ask(house))
    await on_database(versions.publish)(house.agent)
    after, _, [call] = await explained(await ask(house))
    assert (before.version, again.version, after.version, call.version) == (2, 2, 3, 3)


async def test_failures_and_what_took_their_place_are_told(house: House) -> None:
    await on_database(script)(house, "tokens=3 fail=0", fallbacks=["builtin"])
    _, found, made = await explained(await ask(house))
    assert found is not None
    assert [one["failure"] for one in found.attempts][-1] == ""
    assert found.attempts[0]["failure"] == "unreachable"
    assert "scripted to fail" in found.attempts[0]["detail"]
    assert found.provider == "builtin"
    assert [(one.provider, bool(one.failure)) for one in made][-1] == ("builtin", False)
    assert all(one.input_tokens == 0 and not one.is_exact for one in made[:-1])


async def test_a_reply_that_failed_or_was_stopped_is_explained_and_estimated(house: House) -> None:
    await on_database(script)(house, "tokens=40 fail=20")
    exchange, found, [call] = await explained(await ask(house))
    assert (exchange.state, call.failure, call.is_exact) == ("failed", "unreachable", False)
    assert call.output_tokens >= 20
    assert found is not None
    await on_database(script)(house, "tokens=40 stall=20")
    exchange, found, [call] = await explained(await ask(house, stop=True))
    assert (exchange.state, call.is_exact) == ("stopped", False)
    assert call.input_tokens > 0
    assert found is not None


async def test_a_visitor_is_told_nothing_of_it(house: House) -> None:
    await on_database(script)(house, "tokens=3", instructions="CANARY-INSTRUCTIONS")
    question = await ask(house)
    told = [entry.text async for entry in question.answer()]
    assert told
    frames: list[dict[str, Any]] = [orjson.loads(text) for text in told]
    for word in ("CANARY", "scripted", "attempts", "parameters", "version"):
        assert word not in str(frames), word


async def test_it_goes_with_its_chat_and_the_ledger_stays(house: House) -> None:
    await on_database(script)(house, "tokens=3")
    question = await ask(house)
    await on_database(lambda: question.asked.exchange.chat.delete())()
    _, found, made = await on_database(
        lambda: (None, Explanation.objects.first(), list(Call.objects.all()))
    )()
    assert (found, len(made)) == (None, 1)


async def test_it_stays_small_however_much_was_told(house: House) -> None:
    await on_database(house.knows)(
        "\n\n".join(f"# Part {n}\n" + "returns and repairs " * 110 for n in range(9))
    )
    await on_database(script)(house, "tokens=3", context_tokens=100_000, instructions="obey " * 3999)
    _, found, _ = await explained(await ask(house, "returns " * 400))
    assert found is not None
    size = len(orjson.dumps([found.passages, found.attempts, found.tokens, found.parameters, found.timings]))
    assert size < 8_000


@pytest.mark.parametrize("name", ["scripted:tokens=20", "scripted:*", "*"])
async def test_prices_are_the_operators_and_of_the_day(house: House, name: str) -> None:
    await on_database(script)(house, "tokens=20")
    await on_database(prices.keep)(name, into=Decimal(1_000_000), out=Decimal(2_000_000))
    try:
        _, _, [call] = await explained(await ask(house, "two words"))
        assert call.cost == 2 + 2 * 20
        await on_database(prices.keep)(name, into=Decimal(0), out=Decimal(0))
        [day] = [
            one for one in await on_database(lambda: list(calls.by_day()))() if one.agent_id == house.agent.id
        ]
        assert (day.calls, day.failed, day.input_tokens, day.output_tokens) == (1, 0, 2, 20)
        assert (day.cost, day.is_exact) == (call.cost, True)
    finally:
        await on_database(Price.objects.all().delete)()
