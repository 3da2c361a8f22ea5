"""Replies within a budget: reserved before the provider is asked, settled whatever becomes of the reply, and refused politely."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from channels.db import database_sync_to_async
from django.conf import LazySettings
from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.agents import budgets, calls
from apps.agents.models import Budget, Call, Spending
from apps.agents.providers.base import Usage
from apps.chats import conversations, handoff, prompts, replies
from apps.chats.conversations import Opening
from apps.chats.entries import Entry
from apps.chats.models import ContentChat, Process
from tests import scripted
from tests.chats.conftest import script, until_said
from tests.chats.elsewhere import Elsewhere
from tests.scripted import answer
from tests.world import House

on_database = database_sync_to_async
QUESTION = "Hello?"


@pytest.fixture(autouse=True)
def short_answers(settings: LazySettings) -> None:
    settings.MAX_OUTPUT_TOKENS = 50


@on_database
def limited(house: House, tokens: int, *, used: int = 0) -> Budget:
    budget = budgets.keep(None, "month", tokens=tokens, cost=None)
    start = budget.start(timezone.now().date())
    Spending.objects.update_or_create(budget=budget, start=start, defaults={"tokens_used": used})
    return budget


@on_database
def spent(budget: Budget) -> tuple[int, int]:
    """Used and reserved; and nothing is reserved that no reservation says. In one statement: replies end meanwhile."""
    found = Spending.objects.annotate(held=Coalesce(Sum("reservations__tokens"), 0))
    used, reserved, held = found.values_list("tokens_used", "tokens_reserved", "held").get(budget=budget)
    assert reserved == held
    return used, reserved


def most(house: House) -> int:
    found = prompts.most(house.agent, QUESTION, history=())
    return found.input_tokens + found.output_tokens


async def ask(house: House, *, chat: UUID | None = None, message: str = "m1") -> replies.Question:
    opening = Opening(house.agent.id, "v_test")
    chat = chat or conversations.chat_id_for(opening)
    return await replies.ask(chat, QUESTION, client_message_id=message, opening=opening)


async def told(question: replies.Question) -> list[Entry]:
    return [entry async for entry in question.answer()]


def last(entries: Sequence[Entry]) -> dict[str, Any]:
    frame: dict[str, Any] = orjson.loads(entries[-1].text)
    return frame


@on_database
def state(question: replies.Question) -> tuple[str, str]:
    exchange = ContentChat.objects.get(id=question.asked.exchange.id)
    return exchange.state, exchange.reason


async def test_a_reply_is_reserved_while_it_runs_and_then_costs_what_its_provider_says(house: House) -> None:
    await on_database(script)(house, "tokens=20 first=0.3")
    budget = await limited(house, 100_000)
    question = await ask(house)
    assert await spent(budget) == (0, most(house))
    assert last(await told(question))["type"] == "reply.completed"
    assert await spent(budget) == (1 + 20, 0)


async def test_what_no_budget_allows_fails_at_once_and_politely(house: House) -> None:
    await on_database(script)(house, "tokens=20")
    budget = await limited(house, most(house) - 1)
    question = await ask(house)
    entries = await told(question)
    assert [entry.type for entry in entries] == ["message", "reply.started", "reply.failed"]
    assert (last(entries)["code"], last(entries)["retryable"]) == ("budget_exhausted", False)
    assert await state(question) == ("failed", "budget_exhausted")
    assert await spent(budget) == (0, 0)
    await limited(house, most(house))
    again = await ask(house, chat=question.log.chat_id, message="m2")
    # More is said before this one, so it may cost more.
    assert last(await told(again))["code"] == "budget_exhausted"


async def test_50_streams_at_95_percent_spend_nothing_over(house: House) -> None:
    """All of them are asked while none has ended, so only as many may run as fit with all that they can cost."""
    await on_database(script)(house, "tokens=50 first=4")
    share = most(house)
    tokens = share * 13 * 20 + share // 2
    budget = await limited(house, tokens, used=tokens - share * 13 - share // 2)
    questions = await asyncio.gather(*(ask(house) for _ in range(50)))
    used, reserved = await spent(budget)
    assert reserved == share * 13
    assert used + reserved <= tokens
    ends = [last(entries) for entries in await asyncio.gather(*map(told, questions))]
    assert [end.get("code") for end in ends].count("budget_exhausted") == 50 - 13
    assert [end["type"] for end in ends].count("reply.completed") == 13
    after, reserved = await spent(budget)
    assert reserved == 0
    assert after <= tokens


@pytest.mark.parametrize("words", [20, 0])
async def test_a_stopped_reply_is_not_free(house: House, words: int) -> None:
    await on_database(script)(house, f"tokens=40 stall={words}")
    budget = await limited(house, 100_000)
    scripted.TOLD.clear()
    question = await ask(house)
    async with asyncio.timeout(20):
        while not scripted.TOLD:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    if words:
        await until_said(question, words)
    await replies.stop(question.log.chat_id)
    await replies.settle()
    used, reserved = await spent(budget)
    assert reserved == 0
    assert 0 < used < most(house)


async def test_a_provider_that_says_no_costs_nothing(house: House) -> None:
    await on_database(script)(house, "tokens=40 fail=0")
    budget = await limited(house, 100_000)
    assert last(await told(await ask(house)))["code"] == "provider_unreachable"
    assert await spent(budget) == (0, 0)


async def test_one_that_fails_on_the_way_costs_what_it_said(house: House) -> None:
    await on_database(script)(house, "tokens=40 fail=20")
    budget = await limited(house, 100_000)
    assert last(await told(await ask(house)))["code"] == "provider_unreachable"
    used, reserved = await spent(budget)
    assert reserved == 0
    assert used >= 20


async def test_an_answer_ends_where_what_was_reserved_ends(house: House) -> None:
    await on_database(script)(house, "tokens=4000")
    budget = await limited(house, 100_000)
    question = await ask(house)
    entries = await told(question)
    assert last(entries)["type"] == "reply.completed"
    assert "".join(entry.said for entry in entries) == answer("tokens=50")
    used, reserved = await spent(budget)
    assert reserved == 0
    assert used <= most(house)


async def test_without_a_budget_an_answer_is_as_long_as_it_is(house: House) -> None:
    await on_database(script)(house, "tokens=400")
    entries = await told(await ask(house))
    assert "".join(entry.said for entry in entries) == answer("tokens=400")


async def test_who_takes_over_settles_all_that_was_reserved(house: House, other: Elsewhere) -> None:
    await on_database(script)(house, "tokens=40 stall=20")
    budget = await limited(house, 100_000)
    question = await ask(house)
    await other.do(handoff.take_over(question.log.chat_id, house.user))
    await replies.settle()
    assert await spent(budget) == (most(house), 0)


async def test_what_a_reply_took_that_was_ended_elsewhere_is_in_the_ledger(
    house: House, other: Elsewhere
) -> None:
    await on_database(script)(house, "tokens=40 stall=20")
    question = await ask(house)
    await until_said(question, 20)
    await other.do(handoff.take_over(question.log.chat_id, house.user))
    await replies.settle()
    call = await on_database(Call.objects.get)(exchange=question.asked.exchange.id)
    assert (call.version, call.is_exact, call.failure) == (house.agent.version, False, "")
    assert call.output_tokens >= 20
    assert call.input_tokens > 0


async def test_what_a_reply_took_that_its_process_let_go_of_is_in_the_ledger_too(house: House) -> None:
    await on_database(script)(house, "tokens=40 stall=20")
    budget = await limited(house, 100_000)
    question = await ask(house)
    await until_said(question, 20)
    await on_database(script)(house, "tokens=40")
    replies.here().lose_all()
    await replies.settle()
    await on_database(Process.objects.update)(leased_until="2000-01-01T00:00:00Z")
    await replies.rescue(question.log.chat_id)
    await replies.settle()
    made = await on_database(lambda: list(Call.objects.order_by("at")))()
    assert [(one.is_exact, one.output_tokens >= 20) for one in made] == [(False, True), (True, True)]
    assert await spent(budget) == (most(house) + 1 + 40, 0)  # nobody knew when it was taken up


async def test_a_run_that_is_written_down_twice_is_in_the_ledger_once(house: House) -> None:
    run, took = calls.Run(uuid4(), 3), calls.Called("scripted", "", Usage(1, 2), is_exact=True)
    for _ in range(2):
        await on_database(calls.record)(house.agent, [took, took], run=run, version=1)
    await on_database(calls.record)(house.agent, [took], run=replace(run, epoch=4), version=1)
    assert await on_database(Call.objects.count)() == 3


async def test_what_a_crashed_reply_may_have_cost_is_counted_beside_the_one_that_is_given_anew(
    house: House, other: Elsewhere
) -> None:
    budget = await limited(house, 100_000)
    [question] = await crashed(house, other, 1)
    assert await spent(budget) == (0, most(house))
    await replies.rescue(question.log.chat_id)
    await replies.settle()
    assert await state(question) == ("completed", "")
    assert await spent(budget) == (most(house) + 1 + 40, 0)


async def test_a_crashed_reply_is_not_given_anew_where_the_budget_does_not_allow_it(
    house: House, other: Elsewhere
) -> None:
    budget = await limited(house, 2 * most(house) - 1)
    [question] = await crashed(house, other, 1)
    await replies.rescue(question.log.chat_id)
    await replies.settle()
    assert await state(question) == ("failed", "budget_exhausted")
    assert await spent(budget) == (most(house), 0)


async def test_50_streams_at_95_percent_spend_nothing_over_though_a_process_dies_in_the_middle(
    house: House, other: Elsewhere
) -> None:
    """Six die and are given anew while 44 others are asked: every run, dead or alive, is in what was used."""
    share = most(house)
    tokens = share * 13 * 20 + share // 2
    before = tokens - share * 13 - share // 2
    budget = await limited(house, tokens, used=before)
    dead = await crashed(house, other, 6)
    assert await spent(budget) == (before, 6 * share)
    others, _ = await asyncio.gather(
        asyncio.gather(*(ask(house) for _ in range(44))),
        asyncio.gather(*(replies.rescue(one.log.chat_id) for one in dead)),
    )
    used, reserved = await spent(budget)
    assert used + reserved <= tokens
    await asyncio.gather(*map(told, others))
    await replies.settle()
    ends = [await state(question) for question in (*dead, *others)]
    completed = ends.count(("completed", ""))
    assert completed + ends.count(("failed", "budget_exhausted")) == 50
    after, reserved = await spent(budget)
    assert (after, reserved) == (before + 6 * share + completed * (1 + 40), 0)
    assert after <= tokens
    assert completed >= 7


async def crashed(house: House, other: Elsewhere, many: int) -> list[replies.Question]:
    """Asked in another process, which died while it answered; the next runs of these replies will end."""
    await on_database(script)(house, "tokens=40 stall=20")
    questions = [await other.do(ask(house)) for _ in range(many)]
    other.close()
    await on_database(script)(house, "tokens=40")
    await on_database(Process.objects.update)(leased_until="2000-01-01T00:00:00Z")
    return questions


async def test_a_reply_that_keeps_killing_its_process_leaves_nothing_reserved(
    house: House, other: Elsewhere
) -> None:
    await on_database(script)(house, "tokens=40 stall=20")
    budget = await limited(house, 100_000)
    question = await other.do(ask(house))
    other.close()
    await on_database(ContentChat.objects.update)(attempts=conversations.MOST_ATTEMPTS)
    await on_database(Process.objects.update)(leased_until="2000-01-01T00:00:00Z")
    await replies.rescue(question.log.chat_id)
    assert await spent(budget) == (most(house), 0)


async def test_what_waits_for_its_turn_is_reserved_then(house: House) -> None:
    await on_database(script)(house, "tokens=20 first=0.5")
    budget = await limited(house, most(house))
    first = await ask(house)
    second = await ask(house, chat=first.log.chat_id, message="m2")
    third = await ask(house, chat=first.log.chat_id, message="m3")
    assert await spent(budget) == (0, most(house))
    assert last(await told(first))["type"] == "reply.completed"
    for queued in (second, third):  # what the first has cost is missing now
        assert last(await told(queued))["code"] == "budget_exhausted"
    assert await spent(budget) == (1 + 20, 0)
