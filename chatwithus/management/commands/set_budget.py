"""`set_budget`: how much all agents of an organisation, or one, may use each day or month, in place of the budget before."""

from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from apps.agents import budgets
from apps.agents.models import Agent, Budget
from apps.tenants.models import Tenant
from chatwithus.management.acting import TenantCommand


class Command(TenantCommand):
    help = __doc__

    def add_more(self, parser: Any) -> None:
        parser.add_argument("period", choices=Budget.Period.values)
        parser.add_argument("--agent", type=UUID, metavar="ID", help="for this one alone")
        parser.add_argument("--tokens", type=int, help="in and out")
        parser.add_argument("--cost", help="by the setting PRICES")
        parser.add_argument("--drop", action="store_true", help="set none: delete the one there is")

    def run(self, tenant: Tenant, *, period: str, agent: UUID | None, drop: bool, **options: Any) -> str:
        whose = _agent(tenant, agent) if agent else None
        if drop:
            return _drop(whose, period)
        tokens, cost = options["tokens"], _cost(options["cost"])
        if (tokens is None and cost is None) or (tokens or 0) < 0:
            raise CommandError("Say how many tokens (--tokens), or what it may cost (--cost).")
        return f"Set: {budgets.keep(whose, period, tokens=tokens, cost=cost)}"


def _drop(agent: Agent | None, period: str) -> str:
    kept = Budget.objects.select_related("agent").filter(budgets.HOLDS, agent=agent, period=period)
    found = kept.first()
    if found is None:
        raise CommandError("There is no such budget.")
    budgets.drop(found)
    return f"Deleted: {found}"


def _agent(tenant: Tenant, agent_id: UUID) -> Agent:
    found = Agent.objects.filter(id=agent_id).first()
    if found is None:
        raise CommandError(f"{tenant.slug} has no agent with this id.")
    return found


def _cost(said: str | None) -> Decimal | None:
    try:
        cost = Decimal(said) if said is not None else None
    except InvalidOperation:
        cost = Decimal(-1)
    if cost is not None and not (cost.is_finite() and 0 <= cost < 10**8):
        raise CommandError(f"{said!r} is no amount of money.")
    return cost
