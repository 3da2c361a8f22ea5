"""The bodies of requests and responses about budgets and usage."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from ninja import Query, Schema
from pydantic import Field

Period = Literal["day", "month"]
MOST_TOKENS = 10**15
Tokens = Annotated[
    int | None,
    Field(ge=0, le=MOST_TOKENS, strict=True, description="At most so many, in and out; null for any number."),
]
Cost = Annotated[
    Decimal | None,
    Field(
        ge=0,
        max_digits=14,
        decimal_places=6,
        description="At most so much, by the installation's prices; null for any. A number or a string.",
    ),
]


class BudgetRequest(Schema):
    agent: Annotated[UUID | None, Field(description="Whose budget; null for all agents together.")] = None
    period: Period
    tokens: Tokens = None
    cost: Cost = None


class BudgetResponse(Schema):
    """A budget, and where it stands."""

    id: UUID
    agent: UUID | None
    period: Period
    tokens: int | None
    cost: Annotated[Decimal | None, Field(json_schema_extra={"type": ["string", "null"]})]
    start: Annotated[date, Field(description="The first day of the present period, in UTC.")]
    resets_at: datetime
    tokens_used: int
    tokens_reserved: Annotated[int, Field(description="Held by replies that run, until they have ended.")]
    cost_used: Decimal
    cost_reserved: Decimal
    share: Annotated[float, Field(description="How much of it is used and reserved, from 0 to 1.")]


class Used(Schema):
    replies: int
    input_tokens: int
    output_tokens: int


class AgentUsage(Schema):
    agent: UUID
    name: str
    today: Used
    month: Used


class Usage(Schema):
    budgets: list[BudgetResponse]
    agents: list[AgentUsage]


Days = Annotated[int, Query(ge=1, le=400, description="How many, today among them.")]


class UsageDay(Schema):
    day: date
    agent_id: UUID
    name: str
    calls: int
    failed: int
    input_tokens: int
    output_tokens: int
    cost: Decimal
    is_exact: bool


class UsageDays(Schema):
    days: list[UsageDay]
