"""The ledger of what providers were asked and what it cost: a row a call, budgets are settled from it, and staff read its sums."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from apps.agents import prices
from apps.agents.models import Agent, Call
from apps.agents.providers.base import Usage

DAYS = 31
LATEST = 100  # calls that say how an agent is


@dataclass(frozen=True, slots=True)
class Called:
    """One call that has ended; `is_exact` where its provider said what it took."""

    provider: str
    model: str
    usage: Usage
    is_exact: bool
    duration_ms: int = 0
    failure: str = ""
    detail: str = ""


def total(called: Sequence[Called]) -> Usage:
    return sum((one.usage for one in called), Usage(0, 0))


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a reply to an exchange of the floor above. It may be written down twice, where nobody knew whether the first was."""

    exchange: UUID
    epoch: int

    def name(self, place: int) -> UUID:
        return uuid5(self.exchange, f"{self.epoch}.{place}")


@dataclass(frozen=True, slots=True)
class Day:
    """What one agent took on one day (UTC). `is_exact` where every call was counted by its provider."""

    day: date
    agent_id: UUID
    name: str
    calls: int
    failed: int
    input_tokens: int
    output_tokens: int
    cost: Decimal
    is_exact: bool


def record(agent: Agent, called: Sequence[Called], *, run: Run | None = None, version: int = 0) -> Decimal:
    """Write each down, once for a run; what they cost together. To be called in the transaction that ends the reply."""
    kept = prices.table()
    rows = [
        Call(
            id=run.name(place) if run else uuid4(),
            agent=agent,
            version=version,
            exchange=run.exchange if run else None,
            provider=one.provider,
            model=one.model,
            duration_ms=one.duration_ms,
            input_tokens=one.usage.input_tokens,
            output_tokens=one.usage.output_tokens,
            is_exact=one.is_exact,
            cost=prices.cost(one.provider, one.model, one.usage, kept),
            failure=one.failure,
            detail=one.detail[:300],
        )
        for place, one in enumerate(called)
    ]
    Call.objects.bulk_create(rows, ignore_conflicts=True)
    return sum((row.cost for row in rows), Decimal(0))


def by_day(*, days: int = DAYS, agent_id: UUID | None = None) -> Iterator[Day]:
    """The last so many days, the newest first, then by the agent's name."""
    since = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    found = Call.objects.filter(at__gte=since, **({"agent_id": agent_id} if agent_id else {}))
    rows = found.annotate(day=TruncDate("at")).values("day", "agent_id", "agent__name")
    sums = rows.annotate(
        calls=Count("id"),
        failed=Count("id", filter=~Q(failure="")),
        guessed=Count("id", filter=Q(is_exact=False)),
        into=Sum("input_tokens"),
        out=Sum("output_tokens"),
        paid=Sum("cost"),
    )
    for row in sums.order_by("-day", "agent__name", "agent_id"):
        yield _day(row)


def last(agent: Agent) -> dict[tuple[str, str], Call]:
    """The latest call by provider and model, among an agent's latest for visitors: what its draft was tried with is no sign."""
    latest = Call.objects.filter(agent=agent, version__gt=0).order_by("-at")[:LATEST]
    found: dict[tuple[str, str], Call] = {}
    for call in latest.only("provider", "model", "at", "failure", "detail"):
        found.setdefault((call.provider, call.model), call)
    return found


def _day(row: Any) -> Day:
    return Day(
        day=row["day"],
        agent_id=row["agent_id"],
        name=row["agent__name"],
        calls=row["calls"],
        failed=row["failed"],
        input_tokens=row["into"],
        output_tokens=row["out"],
        cost=row["paid"],
        is_exact=not row["guessed"],
    )
