"""What staff try: it ends and costs as it would for a visitor."""

import time
from decimal import Decimal

import pytest
from channels.db import database_sync_to_async
from django.conf import LazySettings

from apps.agents import breakers, budgets, versions
from apps.agents.models import Call, Spending
from apps.chats import rehearsal
from apps.chats.models import Chat
from tests.chats.conftest import script
from tests.scripted import answer
from tests.world import House

on_database = database_sync_to_async


@pytest.fixture(autouse=True)
def _nothing_failed_before() -> None:
    breakers._failing.clear()


@pytest.mark.parametrize(("model", "limit"), [
    ("tokens=9 stall=0", "FIRST_TOKEN_SECONDS"), ("tokens=9 stall=4", "BETWEEN_TOKENS_SECONDS"), ("tokens=100000 rate=50", "REPLY_SECONDS"),
])  # fmt: skip
async def test_a_mind_that_stalls_ends_at_its_deadline(
    house: House, settings: LazySettings, model: str, limit: str
) -> None:
    agent = await on_database(script)(house, model)
    setattr(settings, limit, 0.5)
    began = time.monotonic()
    done = await rehearsal.rehearse(agent, "What is the weather?")
    assert (done.failure, done.answer) == ("provider_timeout", "")
    assert time.monotonic() - began < 5
    call = await on_database(Call.objects.get)()
    assert (call.failure, call.input_tokens > 0) == ("timeout", True)
    assert (call.output_tokens > 0) == (limit != "FIRST_TOKEN_SECONDS")
    assert not await on_database(Chat.objects.exists)()


async def test_it_ends_where_what_is_paid_for_ends(house: House, settings: LazySettings) -> None:
    settings.MAX_OUTPUT_TOKENS = 50
    agent = await on_database(script)(house, "tokens=4000")
    budget = await on_database(budgets.keep)(None, "day", tokens=100_000, cost=None)
    done = await rehearsal.rehearse(agent, "What is the weather?")
    assert done.answer == answer("tokens=50")
    call = await on_database(Call.objects.get)()
    spending = await on_database(Spending.objects.get)(budget=budget)
    assert (spending.tokens_used, spending.tokens_reserved) == (call.input_tokens + 50, 0)


async def test_a_draft_is_reserved_by_the_prices_of_its_own_minds(
    house: House, settings: LazySettings
) -> None:
    """Or whoever tries dear ones would pass every budget of money."""
    settings.PRICES = {"scripted:dear*": (Decimal(10**6), Decimal(10**6))}
    agent = await on_database(script)(house, "tokens=4")
    await on_database(budgets.keep)(None, "day", tokens=None, cost=Decimal(1))
    draft = await on_database(versions.edit)(agent, model="dear tokens=4")
    assert (await rehearsal.rehearse(agent, "hello there")).failure == ""
    assert (await rehearsal.rehearse(agent, "hello there", as_if=draft)).failure == "budget_exhausted"
