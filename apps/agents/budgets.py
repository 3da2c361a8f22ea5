"""What agents may spend: reserved before a provider is asked, in the transaction that claims the reply; settled when it has ended.

A reservation is the most that the reply can cost, and one UPDATE takes it only where it still fits; so however many replies run at
once, used and reserved together never pass the budget; where a call fails that may have to be paid for, as much again is reserved before
the next. Of a reply whose process died nobody knows what it has cost: all that was
reserved for it counts as used, and where it is run again, that is reserved anew.

No organisation is without a budget of tokens: until its owner sets one for all agents, the setting DAILY_TOKENS holds. A budget that is
dropped stays as a row without limits, so that what was spent counts where it is set again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import inf
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.agents import prices
from apps.agents.configuration import Configuration
from apps.agents.models import Agent, Budget, Reservation, Spending
from apps.agents.providers.base import Usage
from apps.tenants import actors, audit
from apps.tenants.postgres.prepared import Prepared, Table

Mind = tuple[str, str]  # provider and model
Limiting = tuple[list[Budget], list[prices.Row]]  # an agent's budgets, and what models cost
HOLDS = Q(tokens__isnull=False) | Q(cost__isnull=False)  # others were dropped
STALE = timedelta(days=1)  # no reply runs for so long: whatever reserved this has vanished


class BudgetExhausted(Exception):
    """What is left of a budget is less than this reply could cost."""

    def __init__(self, budget: Budget) -> None:
        super().__init__(f"The budget of {budget} is used up.")
        self.budget = budget


@dataclass(frozen=True, slots=True)
class Gauge:
    """Where a budget stands in the period that began on `start`; it begins anew at `resets_at`."""

    budget: Budget
    start: date
    resets_at: datetime
    tokens_used: int
    tokens_reserved: int
    cost_used: Decimal
    cost_reserved: Decimal

    @property
    def share(self) -> float:
        """What is used and reserved of it, from 0 to 1; of tokens or cost, whichever is nearer to its end."""
        limits = (
            (self.tokens_used + self.tokens_reserved, self.budget.tokens),
            (self.cost_used + self.cost_reserved, self.budget.cost),
        )
        shares = [float(spent / most) if most else 1.0 for spent, most in limits if most is not None]
        return min(1.0, max(shares, default=0.0))


def reserve(
    exchange: UUID,
    agent: Agent,
    most: Usage,
    *,
    minds: Sequence[Mind] | None = None,
    limiting: Limiting | None = None,
) -> Usage | None:
    """Hold so much of every budget that this agent spends from, or of none. None where there is no budget. `minds` take the place of
    the agent's own where its draft is tried; `limiting` is what `limits_asked` reads, where that is known.

    Raises BudgetExhausted. To be called in the transaction that claims the reply."""
    budgets, kept = limiting or limits_asked(agent)()
    if settings.DAILY_TOKENS and all(one.agent_id or one.tokens is None for one in budgets):
        default = _by_default()
        budgets = sorted([default, *(one for one in budgets if one != default)], key=lambda one: one.id)
    if not budgets:
        return None
    price = _dearest(minds or agent.minds, most, kept)
    with transaction.atomic() if len(budgets) > 1 else nullcontext():  # one alone fails before it has written
        for budget in budgets:
            _reserve(exchange, budget, _tokens(most), price)
    return most


def reserve_again(exchange: UUID, agent: Agent, most: Usage, *, minds: Sequence[Mind] | None = None) -> bool:
    """As much once more, for the next call of a reply; False where that does not fit, or somebody else has ended the reply."""
    price = _dearest(minds or agent.minds, most, prices.table())
    with transaction.atomic():
        held = _held(exchange)
        fits = [
            _is_held(exchange, one.spending.budget, one.spending.start, _tokens(most), price) for one in held
        ]
        transaction.set_rollback(not all(fits))
    return bool(held) and all(fits)


def paid_for(agent: Configuration, reserved: Usage | None) -> float:
    """As many pieces of an answer as are reserved, or as the agent may: a piece is a token at least, and the provider was told to end
    there."""
    return min(reserved.output_tokens if reserved else inf, agent.max_tokens or inf)


def settle(exchange: UUID, agent: Agent, spent: Usage | None, cost: Decimal | None = None) -> None:
    """Count what a reply has cost, by the ledger of calls, in place of what was reserved for it; all of that where it is not known."""
    if _HELD.first(exchange=exchange) is None:
        return
    if spent is not None and cost is None:
        cost = _dearest(agent.minds, spent, prices.table())
    for one in _held(exchange):
        tokens = one.tokens if spent is None else _tokens(spent)
        _move(one, tokens, one.cost if spent is None or cost is None else cost)
        one.delete()


def release_stale() -> int:
    """Count what was reserved by replies that vanished with their chats, but what somebody else is counting just now; how many."""
    stale = Reservation.objects.filter(created_at__lt=timezone.now() - STALE).order_by("spending__budget_id")
    with transaction.atomic():
        for one in (found := list(stale.select_for_update(of=("self",), skip_locked=True)[:1000])):
            _move(one, one.tokens, one.cost)
            one.delete()
    return len(found)


def limits_asked(agent: Agent) -> Callable[[], Limiting]:
    """The budgets that this agent spends from, and what models cost, to be read later: among statements that are sent `together`."""
    cursor = _THAT_LIMIT.asked(agent=agent.id)

    def read() -> Limiting:
        rows = cursor.fetchall()
        kept = list(zip(*rows[0][:_PRICED], strict=True)) if rows[0][0] else []
        return [_BUDGETS.read(row, _PRICED) for row in rows if row[_PRICED] is not None], kept

    return read


def _dearest(minds: Sequence[Mind], usage: Usage, kept: Sequence[prices.Row]) -> Decimal:
    """Whichever of them will answer."""
    return max(prices.cost(provider, model, usage, kept) for provider, model in minds)


def gauges() -> Iterator[Gauge]:
    """Every budget of the tenant, those of the whole organisation first."""
    today = timezone.now().date()
    budgets = (
        Budget.objects.filter(HOLDS)
        .select_related("agent")
        .order_by(F("agent__name").asc(nulls_first=True), "period")
    )
    found = {
        (one.budget_id, one.start): one for one in Spending.objects.filter(start__gte=today.replace(day=1))
    }
    for budget in budgets:
        start = budget.start(today)
        resets_at = datetime.combine(budget.end(today), time(), UTC)
        one = found.get((budget.id, start)) or Spending(budget=budget, start=start)
        spent = (one.tokens_used, one.tokens_reserved, Decimal(one.cost_used), Decimal(one.cost_reserved))
        yield Gauge(budget, start, resets_at, *spent)


def keep(agent: Agent | None, period: str, *, tokens: int | None, cost: Decimal | None) -> Budget:
    """Set a budget, in place of the one for the same agent and period. What was spent in the period counts on, where it was counted."""
    with transaction.atomic():
        limits: dict[str, Any] = {"tokens": tokens, "cost": cost}
        budget, _ = Budget.objects.update_or_create(agent=agent, period=period, defaults=limits)
        audit.note("budget.changed", budget, tokens=tokens, cost=None if cost is None else str(cost))
    return budget


def drop(budget: Budget) -> None:
    """From now on it limits nothing; where no other of tokens is for all agents, DAILY_TOKENS holds."""
    with transaction.atomic():
        audit.note("budget.deleted", budget)
        budget.tokens = budget.cost = None
        budget.save(update_fields=["tokens", "cost"])


def _by_default() -> Budget:
    """The daily one of all agents, which may be there without tokens: dropped, or of money alone."""
    budget, _ = Budget.objects.get_or_create(agent=None, period=Budget.Period.DAY)
    if budget.tokens is None:
        budget.tokens = settings.DAILY_TOKENS  # also where somebody else gives it that just now
        if Budget.objects.filter(id=budget.id, tokens=None).update(tokens=budget.tokens):
            with actors.acting(actors.SYSTEM):
                audit.note("budget.changed", budget, tokens=budget.tokens, cost=None)
    return budget


def _reserve(exchange: UUID, budget: Budget, tokens: int, price: Decimal) -> None:
    """In one statement, except for the first reply of a period, and where it does not fit."""
    start = budget.start(timezone.now().date())
    if _is_held(exchange, budget, start, tokens, price):
        return
    Spending.objects.get_or_create(budget=budget, start=start)
    if not _is_held(exchange, budget, start, tokens, price):
        raise BudgetExhausted(budget)


def _is_held(exchange: UUID, budget: Budget, start: date, tokens: int, price: Decimal) -> bool:
    within = {"budget": budget.id, "start": start, "most_tokens": budget.tokens, "most_cost": budget.cost}
    wanted = {"exchange": exchange, "tokens": tokens, "price": price}
    return _HOLD.run(**within, **wanted, id=uuid4(), now=timezone.now()) > 0


def _held(exchange: UUID) -> list[Reservation]:
    """In the order of all who lock several; nobody else changes them until the transaction ends."""
    found = Reservation.objects.filter(exchange=exchange).select_related("spending__budget")
    return list(found.select_for_update(of=("self",)).order_by("spending__budget_id"))


def _move(one: Reservation, tokens: int, price: Decimal) -> None:
    Spending.objects.filter(id=one.spending_id).update(
        tokens_reserved=F("tokens_reserved") - one.tokens,
        tokens_used=F("tokens_used") + tokens,
        cost_reserved=F("cost_reserved") - one.cost,
        cost_used=F("cost_used") + price,
    )


def _tokens(usage: Usage) -> int:
    return usage.input_tokens + usage.output_tokens


_BUDGETS, _PRICED = Table(Budget), 3  # columns of prices before those of a budget
_THAT_LIMIT = Prepared(
    f"SELECT p.patterns, p.inputs, p.outputs, {_BUDGETS.columns('b')} FROM (SELECT array_agg(pattern) patterns, "
    "array_agg(input) inputs, array_agg(output) outputs FROM agents_price) p LEFT JOIN agents_budget b "
    "ON tenant_id = %(tenant)s AND (agent_id IS NULL OR agent_id = %(agent)s) "
    "AND (tokens IS NOT NULL OR cost IS NOT NULL) ORDER BY id"
)
_HOLD = Prepared(
    "WITH held AS (UPDATE agents_spending SET "
    "tokens_reserved = tokens_reserved + %(tokens)s::bigint, cost_reserved = cost_reserved + %(price)s::numeric "
    "WHERE tenant_id = %(tenant)s AND budget_id = %(budget)s AND start = %(start)s "
    "AND (%(most_tokens)s::bigint IS NULL OR tokens_used + tokens_reserved + %(tokens)s::bigint <= %(most_tokens)s::bigint) "
    "AND (%(most_cost)s::numeric IS NULL OR cost_used + cost_reserved + %(price)s::numeric <= %(most_cost)s::numeric) "
    "RETURNING id) INSERT INTO agents_reservation (id, tenant_id, spending_id, exchange, tokens, cost, created_at) "
    "SELECT %(id)s::uuid, %(tenant)s::uuid, held.id, %(exchange)s::uuid, %(tokens)s::bigint, %(price)s::numeric, "
    "%(now)s::timestamptz FROM held ON CONFLICT (tenant_id, exchange, spending_id) DO UPDATE SET "
    "tokens = agents_reservation.tokens + excluded.tokens, cost = agents_reservation.cost + excluded.cost"
)
_HELD = Prepared("SELECT 1 FROM agents_reservation WHERE tenant_id = %(tenant)s AND exchange = %(exchange)s")
