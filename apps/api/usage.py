"""`/api/v1/usage` and `/api/v1/budgets`: what agents have used, and what they may."""

from dataclasses import asdict
from typing import cast
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Status

from apps.agents import budgets, calls
from apps.agents.budgets import Gauge
from apps.agents.models import Agent, Budget
from apps.api.guards import ByKey
from apps.api.problems import Invalid, NotFound
from apps.api.reference import usage as reference
from apps.api.usage_schemas import (
    AgentUsage,
    BudgetRequest,
    BudgetResponse,
    Days,
    Period,
    Usage,
    UsageDay,
    UsageDays,
    Used,
)
from apps.chats import usage

router = Router(tags=["usage"])
_READ, _MANAGE = ByKey("organisation.read"), ByKey("organisation.manage")


@router.get("/usage", response=Usage, summary="Read usage and budgets", auth=_READ, **reference.USAGE)
def read(request: HttpRequest) -> Usage:
    """Today and this month, in UTC. Tokens are as the agents' providers count them."""
    agents = [
        AgentUsage(agent=one.agent.id, name=one.agent.name, today=_used(one.today), month=_used(one.month))
        for one in usage.by_agent()
    ]
    return Usage(budgets=[_describe(gauge) for gauge in budgets.gauges()], agents=agents)


@router.get(
    "/usage/days", response=UsageDays, summary="Read usage by day", auth=_READ, **reference.USAGE_DAYS
)
def read_days(request: HttpRequest, days: Days = calls.DAYS) -> UsageDays:
    """Each agent on each day (UTC), from the ledger of calls; `is_exact` where providers counted every one."""
    return UsageDays(days=[UsageDay(**asdict(one)) for one in calls.by_day(days=days)])


@router.put("/budgets", response=BudgetResponse, summary="Set a budget", auth=_MANAGE, **reference.BUDGET)
def keep(request: HttpRequest, body: BudgetRequest) -> BudgetResponse:
    """In place of the one for the same agent and period; what was spent in the period counts on. A reply that could cost more
    than is left is not begun."""
    if body.tokens is None and body.cost is None:
        raise Invalid("Say how many tokens, or what it may cost.", "/tokens")
    agent = Agent.objects.filter(id=body.agent).first() if body.agent else None
    if body.agent and agent is None:
        raise NotFound("There is no agent with this id.")
    kept = budgets.keep(agent, body.period, tokens=body.tokens, cost=body.cost)
    return next(_describe(gauge) for gauge in budgets.gauges() if gauge.budget == kept)


@router.delete(
    "/budgets/{uuid:budget_id}",
    response={204: None},
    summary="Delete a budget",
    auth=_MANAGE,
    **reference.DROP_BUDGET,
)
def drop(request: HttpRequest, budget_id: UUID) -> Status[None]:
    """From now on nothing limits that."""
    budget = Budget.objects.select_related("agent").filter(budgets.HOLDS, id=budget_id).first()
    if budget is None:
        raise NotFound("There is no budget with this id.")
    budgets.drop(budget)
    return Status(204, None)


def _describe(gauge: Gauge) -> BudgetResponse:
    budget = gauge.budget
    return BudgetResponse(
        id=budget.id,
        agent=budget.agent_id,
        period=cast(Period, budget.period),
        tokens=budget.tokens,
        cost=budget.cost,
        start=gauge.start,
        resets_at=gauge.resets_at,
        tokens_used=gauge.tokens_used,
        tokens_reserved=gauge.tokens_reserved,
        cost_used=gauge.cost_used,
        cost_reserved=gauge.cost_reserved,
        share=gauge.share,
    )


def _used(used: usage.Used) -> Used:
    return Used(replies=used.replies, input_tokens=used.input_tokens, output_tokens=used.output_tokens)
