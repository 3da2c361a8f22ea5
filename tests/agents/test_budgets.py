"""Budgets by themselves: what is reserved and settled, and that no two at once get what only one can have."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.agents import budgets, prices
from apps.agents.budgets import BudgetExhausted
from apps.agents.models import Agent, Budget, Reservation, Spending
from apps.agents.providers.base import Usage
from apps.tenants import scope
from apps.tenants.models import AuditEntry
from tests.world import House

Both = tuple[House, House]


def spent(budget: Budget) -> tuple[int, int]:
    """Used and reserved."""
    return Spending.objects.values_list("tokens_used", "tokens_reserved").get(budget=budget)


def test_without_a_budget_nothing_is_reserved(acme: House) -> None:
    with acme.scope():
        assert budgets.reserve(uuid.uuid4(), acme.agent, Usage(10, 10)) is None
        assert not Spending.objects.exists()


def test_what_is_reserved_is_settled_by_what_it_cost(acme: House) -> None:
    exchange = uuid.uuid4()
    with acme.scope():
        budget = budgets.keep(None, "month", tokens=1000, cost=None)
        assert budgets.reserve(exchange, acme.agent, Usage(100, 50)) == Usage(100, 50)
        assert spent(budget) == (0, 150)
        budgets.settle(exchange, acme.agent, Usage(60, 7))
        assert spent(budget) == (67, 0)
        assert not Reservation.objects.exists()
        budgets.settle(exchange, acme.agent, Usage(60, 7))  # it is over
        assert spent(budget) == (67, 0)


def test_where_nobody_knows_the_cost_it_is_all_that_was_reserved(acme: House) -> None:
    exchange = uuid.uuid4()
    with acme.scope():
        budget = budgets.keep(None, "day", tokens=1000, cost=None)
        budgets.reserve(exchange, acme.agent, Usage(100, 50))
        budgets.settle(exchange, acme.agent, None)
        assert spent(budget) == (150, 0)


def test_a_reply_that_is_run_again_is_reserved_again(acme: House) -> None:
    exchange = uuid.uuid4()
    with acme.scope():
        budget = budgets.keep(None, "day", tokens=450, cost=None)
        for run in (1, 2, 3):
            assert budgets.reserve(exchange, acme.agent, Usage(100, 50)) == Usage(100, 50)
            budgets.settle(exchange, acme.agent, None)
            assert spent(budget) == (run * 150, 0)
        with pytest.raises(BudgetExhausted):
            budgets.reserve(exchange, acme.agent, Usage(100, 50))


@pytest.mark.parametrize("most", [150, 149])
def test_it_fits_or_it_does_not(acme: House, most: int) -> None:
    with acme.scope():
        budgets.keep(None, "day", tokens=most, cost=None)
        if most == 150:
            budgets.reserve(uuid.uuid4(), acme.agent, Usage(100, 50))
        else:
            with pytest.raises(BudgetExhausted):
                budgets.reserve(uuid.uuid4(), acme.agent, Usage(100, 50))


def test_of_several_budgets_all_must_do_or_none_is_touched(acme: House) -> None:
    with acme.scope():
        wide = budgets.keep(None, "month", tokens=1000, cost=None)
        budgets.keep(acme.agent, "day", tokens=100, cost=None)
        other = Agent.objects.create(name="Other")
        with pytest.raises(BudgetExhausted):
            budgets.reserve(uuid.uuid4(), acme.agent, Usage(100, 50))
        assert not Spending.objects.filter(budget=wide).exclude(tokens_reserved=0).exists()
        assert budgets.reserve(uuid.uuid4(), other, Usage(100, 50)) is not None
        assert spent(wide) == (0, 150)


def test_a_rivals_budget_is_nobodys_business(acme: House, globex: House) -> None:
    with globex.scope():
        budgets.keep(None, "day", tokens=1, cost=None)
    with acme.scope():
        assert budgets.reserve(uuid.uuid4(), acme.agent, Usage(100, 50)) is None


def test_nobody_spends_over_a_budget_at_once(houses: Both) -> None:
    """50 threads at 95 %: each spends all that it reserved, so one too many would be seen."""
    acme, _ = houses
    with acme.scope():
        budget = budgets.keep(None, "month", tokens=100_000, cost=None)
        daily = budgets.keep(acme.agent, "day", tokens=100_000, cost=None)
        for one in (budget, daily):
            Spending.objects.create(budget=one, start=one.start(timezone.now().date()), tokens_used=95_000)

    def run(_: int) -> bool:
        try:
            with scope.scoped_to(acme.tenant.id):
                exchange = uuid.uuid4()
                try:
                    budgets.reserve(exchange, acme.agent, Usage(300, 33))
                except BudgetExhausted:
                    return False
                with transaction.atomic():
                    budgets.settle(exchange, acme.agent, None)
                return True
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        served = sum(pool.map(run, range(50)))
    with acme.scope():
        assert served == 15  # of 5,000 tokens, 333 each
        assert spent(budget) == spent(daily) == (95_000 + 15 * 333, 0)


def test_another_call_of_a_reply_is_reserved_beside_the_first(acme: House) -> None:
    exchange, most = uuid.uuid4(), Usage(100, 50)
    with acme.scope():
        whole = budgets.keep(None, "month", tokens=1000, cost=None)
        daily = budgets.keep(acme.agent, "day", tokens=300, cost=None)
        assert not budgets.reserve_again(exchange, acme.agent, most)  # of nothing
        budgets.reserve(exchange, acme.agent, most)
        assert budgets.reserve_again(exchange, acme.agent, most)
        assert spent(whole) == spent(daily) == (0, 300)
        assert not budgets.reserve_again(exchange, acme.agent, most)  # the second of the two has no room
        assert spent(whole) == spent(daily) == (0, 300)
        budgets.settle(exchange, acme.agent, Usage(160, 7))
        assert spent(whole) == spent(daily) == (167, 0)
        assert not budgets.reserve_again(exchange, acme.agent, most)  # it is over


def test_nobody_spends_over_a_budget_by_calls_that_fail_at_once(houses: Both) -> None:
    acme, _ = houses
    with acme.scope():
        budget = budgets.keep(None, "month", tokens=5_000, cost=None)

    def run(_: int) -> int:
        exchange, made = uuid.uuid4(), 0
        try:
            with scope.scoped_to(acme.tenant.id), suppress(BudgetExhausted):
                budgets.reserve(exchange, acme.agent, Usage(300, 33))
                made = 1
                while made < 4 and budgets.reserve_again(exchange, acme.agent, Usage(300, 33)):
                    made += 1
                with transaction.atomic():
                    budgets.settle(exchange, acme.agent, None)
        finally:
            connection.close()
        return made

    with ThreadPoolExecutor(6) as pool:
        made = sum(pool.map(run, range(20)))
    with acme.scope():
        assert made == 15
        assert spent(budget) == (15 * 333, 0)


def test_a_cost_is_limited_as_tokens_are(acme: House, settings: LazySettings) -> None:
    settings.PRICES = {"builtin:*": (Decimal("2.50"), Decimal(10)), "*": (Decimal(1000), Decimal(1000))}
    exchange, most = uuid.uuid4(), Usage(1_000_000, 100_000)
    with acme.scope():
        budgets.keep(None, "month", tokens=None, cost=Decimal("3.6"))
        budgets.reserve(exchange, acme.agent, most)
        with pytest.raises(BudgetExhausted):
            budgets.reserve(uuid.uuid4(), acme.agent, most)
        budgets.settle(exchange, acme.agent, Usage(1000, 10))
        gauge = next(budgets.gauges())
        assert (gauge.cost_used, gauge.cost_reserved) == (Decimal("0.0026"), Decimal(0))
        assert gauge.share == pytest.approx(0.0026 / 3.6)


def test_prices_are_read_once_with_the_budgets_however_many_minds_there_are(acme: House) -> None:
    """The chat is locked meanwhile."""
    most, asked = Usage(1_000_000, 0), {}
    with acme.scope():
        prices.keep("openai:dear", into=Decimal(7), out=Decimal(9))
        for period in ("day", "month"):
            budgets.keep(None, period, tokens=None, cost=Decimal(100))
        budgets.reserve(uuid.uuid4(), acme.agent, most)  # what is made once is made
        for fallbacks in ([], ["openai:dear", "openai:a", "openai:b", "ollama:c"]):
            agent = Agent(id=acme.agent.id, provider="builtin", fallbacks=fallbacks)
            with CaptureQueriesContext(connection) as queries:
                budgets.reserve(uuid.uuid4(), agent, most)
            asked[len(fallbacks)] = len(queries)
        assert {gauge.cost_reserved for gauge in budgets.gauges()} == {Decimal(7)}
    assert asked[0] == asked[4]


def test_without_a_price_a_reply_costs_nothing(acme: House) -> None:
    assert prices.cost("builtin", "", Usage(10**6, 10**6), []) == 0


@pytest.mark.parametrize(
    ("period", "day", "start", "end"),
    [
        ("day", date(2026, 12, 31), date(2026, 12, 31), date(2027, 1, 1)),
        ("month", date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1)),
        ("month", date(2028, 2, 29), date(2028, 2, 1), date(2028, 3, 1)),
        ("month", date(2026, 1, 1), date(2026, 1, 1), date(2026, 2, 1)),
    ],
)
def test_a_period_begins_and_ends(period: str, day: date, start: date, end: date) -> None:
    budget = Budget(period=period, tenant_id=uuid.uuid4())
    assert (budget.start(day), budget.end(day)) == (start, end)


def test_a_new_period_begins_with_nothing_spent(acme: House) -> None:
    with acme.scope():
        budget = budgets.keep(None, "day", tokens=100, cost=None)
        yesterday = timezone.now().date() - timedelta(days=1)
        Spending.objects.create(budget=budget, start=yesterday, tokens_used=100)
        assert budgets.reserve(uuid.uuid4(), acme.agent, Usage(50, 50)) is not None
        gauge = next(budgets.gauges())
        assert (gauge.tokens_used, gauge.tokens_reserved, gauge.share) == (0, 100, 1.0)
        assert gauge.resets_at > datetime.now(UTC)


def test_one_budget_for_each_agent_and_period_and_every_change_is_noted(acme: House) -> None:
    with acme.scope():
        first = budgets.keep(None, "day", tokens=100, cost=None)
        assert budgets.keep(None, "day", tokens=200, cost=Decimal(5)) == first
        budgets.keep(acme.agent, "day", tokens=1, cost=None)
        assert [gauge.budget.agent for gauge in budgets.gauges()] == [None, acme.agent]
        budgets.drop(first)
        noted = AuditEntry.objects.filter(action__startswith="budget.").order_by("at")
        assert [one.action for one in noted] == ["budget.changed"] * 3 + ["budget.deleted"]


def test_what_vanished_is_counted_in_the_end(acme: House) -> None:
    with acme.scope():
        budget = budgets.keep(None, "day", tokens=1000, cost=None)
        budgets.reserve(uuid.uuid4(), acme.agent, Usage(10, 10))
        budgets.reserve(uuid.uuid4(), acme.agent, Usage(1, 1))
        Reservation.objects.filter(tokens=20).update(created_at=timezone.now() - budgets.STALE * 2)
        assert budgets.release_stale() == 1
        assert spent(budget) == (20, 2)


def test_what_vanished_is_counted_once_by_however_many(houses: Both) -> None:
    """As where two beats run: each asks for it."""
    acme, _ = houses

    def release(_: int) -> int:
        with acme.scope():
            try:
                return budgets.release_stale()
            finally:
                connection.close()

    with acme.scope():
        budget = budgets.keep(None, "day", tokens=10**6, cost=None)
        for _ in range(100):
            budgets.reserve(uuid.uuid4(), acme.agent, Usage(10, 10))
        Reservation.objects.update(created_at=timezone.now() - budgets.STALE * 2)
        budgets.reserve(uuid.uuid4(), acme.agent, Usage(2000, 2000))  # of which twice as much could be taken
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(release, range(4))) == 100
    with acme.scope():
        assert spent(budget) == (2000, 4000)


def test_who_set_no_budget_has_the_installations(acme: House, settings: LazySettings) -> None:
    """So nobody who embeds an agent elsewhere has AI for free without end."""
    settings.DAILY_TOKENS = 320
    with acme.scope():
        assert budgets.reserve(uuid.uuid4(), acme.agent, Usage(100, 50)) == Usage(100, 50)
        assert budgets.reserve(uuid.uuid4(), acme.agent, Usage(100, 50)) == Usage(100, 50)
        with pytest.raises(BudgetExhausted):
            budgets.reserve(uuid.uuid4(), acme.agent, Usage(100, 50))
        [gauge] = budgets.gauges()
        assert (gauge.budget.period, gauge.budget.tokens, gauge.tokens_reserved) == ("day", 320, 300)
        noted = AuditEntry.objects.get(action="budget.changed")
        assert noted.actor_kind == "system"


def test_a_budget_for_all_agents_takes_its_place_and_one_for_an_agent_does_not(
    acme: House, settings: LazySettings
) -> None:
    settings.DAILY_TOKENS = 100
    with acme.scope():
        budgets.keep(acme.agent, "month", tokens=10_000, cost=None)
        with pytest.raises(BudgetExhausted):
            budgets.reserve(uuid.uuid4(), acme.agent, Usage(100, 50))
        budgets.drop(Budget.objects.get(agent=None))
        whole = budgets.keep(None, "month", tokens=1000, cost=None)
        assert budgets.reserve(uuid.uuid4(), acme.agent, Usage(100, 50)) is not None
        assert spent(whole) == (0, 150)
        assert [one.budget for one in budgets.gauges() if one.budget.agent is None] == [whole]


@pytest.mark.parametrize("period", ["day", "month"])
def test_a_budget_of_money_alone_does_not_take_its_place(
    acme: House, settings: LazySettings, period: str
) -> None:
    """Or who pays for no model, as on a shared one without a price, would have no limit."""
    settings.DAILY_TOKENS = 100
    with acme.scope():
        budgets.keep(None, period, tokens=None, cost=Decimal("1000"))
        with pytest.raises(BudgetExhausted):
            budgets.reserve(uuid.uuid4(), acme.agent, Usage(100, 50))
        assert budgets.reserve(uuid.uuid4(), acme.agent, Usage(50, 50)) is not None
        [daily] = [one for one in budgets.gauges() if one.budget.period == "day"]
        assert (daily.budget.tokens, daily.tokens_reserved) == (100, 100)


@pytest.mark.parametrize("is_set_again", [False, True])
def test_what_was_spent_counts_where_a_budget_is_dropped_and_comes_back(
    acme: House, settings: LazySettings, is_set_again: bool
) -> None:
    settings.DAILY_TOKENS = 1000
    exchange = uuid.uuid4()
    with acme.scope():
        budgets.reserve(exchange, acme.agent, Usage(500, 400))
        budgets.drop(Budget.objects.get())
        assert not list(budgets.gauges())
        budgets.settle(exchange, acme.agent, None)  # it ran meanwhile
        if is_set_again:
            budgets.keep(None, "day", tokens=1000, cost=None)
        with pytest.raises(BudgetExhausted):
            budgets.reserve(uuid.uuid4(), acme.agent, Usage(100, 50))
        assert spent(Budget.objects.get()) == (900, 0)


def test_a_dropped_budget_limits_nothing(acme: House) -> None:
    with acme.scope():
        budgets.drop(budgets.keep(None, "day", tokens=1, cost=None))
        assert budgets.reserve(uuid.uuid4(), acme.agent, Usage(100, 50)) is None


def test_those_who_ask_first_at_once_share_one(houses: Both, settings: LazySettings) -> None:
    settings.DAILY_TOKENS = 1000
    acme, _ = houses

    def run(_: int) -> bool:
        try:
            with scope.scoped_to(acme.tenant.id):
                return budgets.reserve(uuid.uuid4(), acme.agent, Usage(100, 50)) is not None
        except BudgetExhausted:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        served = sum(pool.map(run, range(20)))
    with acme.scope():
        assert served == 6
        assert spent(Budget.objects.get()) == (0, 900)
