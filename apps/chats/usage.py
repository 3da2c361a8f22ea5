"""What agents have used: tokens as their providers counted them, from the exchanges themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time

from django.db.models import BigIntegerField, Count, Q, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from apps.agents.models import Agent
from apps.chats.models import ContentChat


@dataclass(frozen=True, slots=True)
class Used:
    """Replies that an agent gave, and tokens in and out."""

    replies: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class AgentUsage:
    agent: Agent
    today: Used
    month: Used


def by_agent() -> Iterator[AgentUsage]:
    """Each agent of the tenant, by name, today and in this month (UTC)."""
    today = datetime.combine(timezone.now().date(), time(), UTC)
    month, day = _since(today.replace(day=1)), _since(today)
    nothing = Used(0, 0, 0)
    for agent in Agent.objects.order_by("name", "id"):
        yield AgentUsage(agent, day.get(agent.id, nothing), month.get(agent.id, nothing))


def _since(start: datetime) -> dict[object, Used]:
    given = ContentChat.objects.filter(created_at__gte=start).exclude(usage={})
    rows = given.values("chat__agent_id").annotate(
        replies=Count("id", filter=Q(state=ContentChat.State.COMPLETED)),
        into=_sum("input_tokens"),
        out=_sum("output_tokens"),
    )
    return {row["chat__agent_id"]: Used(row["replies"], row["into"], row["out"]) for row in rows}


def _sum(name: str) -> Coalesce:
    return Coalesce(Sum(Cast(KeyTextTransform(name, "usage"), BigIntegerField())), 0)
