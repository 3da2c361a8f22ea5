"""What an agent would answer, asked by staff: searched and answered as for a visitor, and recorded nowhere but in the ledger and the budgets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from apps.agents import budgets, calls, minds
from apps.agents.attempts import Attempts
from apps.agents.budgets import BudgetExhausted
from apps.agents.configuration import Configuration
from apps.agents.minds import Mind
from apps.agents.models import Agent
from apps.agents.providers.base import Handoff, ProviderError, Usage
from apps.chats import citations, conversations, explanations, prompts
from apps.chats.prompts import Composed
from apps.knowledge import retrieval
from apps.knowledge.retrieval import Search
from apps.tenants.hops import hop


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What was found, and what would be said; `failure` is a word for why nothing was."""

    search: Search
    answer: str
    citations: Sequence[dict[str, Any]]
    failure: str = ""


async def rehearse(agent: Agent, text: str, *, as_if: Configuration | None = None) -> Rehearsal:
    """As the agent, or as if it were its draft already. Raises BadMessage."""
    question = conversations.clean(text)
    searched = await retrieval.look(agent.id, question)
    found = searched.found if searched.is_sure else []
    told = prompts.compose(as_if or agent, question, history=(), found=found)
    try:
        answer = await _answer(agent, as_if or agent, told)
    except BudgetExhausted:
        return Rehearsal(searched, "", (), conversations.BUDGET_EXHAUSTED)
    except ProviderError as error:
        return Rehearsal(searched, "", (), f"provider_{error.kind}")
    return Rehearsal(searched, answer, citations.resolve(answer, told.given))


async def _answer(agent: Agent, wanted: Configuration, told: Composed) -> str:
    able: tuple[Mind, ...] = (minds.quoting(),)
    if told.given or not wanted.only_from_knowledge:
        able = await hop(minds.of)(wanted.minds)
    name, said = uuid4(), list[str]()
    spent: list[Usage | Handoff] = []
    attempts = Attempts(able, told.prompt)
    await hop(_reserve)(name, agent, wanted, told.prompt.question)
    try:
        await attempts.tell(said.append, spent.append)
    finally:
        made = explanations.called(attempts.made, told, pieces=len(said), said="".join(said))
        counted = [one for one in spent if isinstance(one, Usage) and one != Usage(0, 0)]
        version = agent.version if wanted is agent else 0
        await hop(_settle)(name, agent, version, counted[-1] if counted else None, made)
    sieve = citations.Sieve(len(told.given))
    sieve.end()
    answer = sieve.pass_on("".join(said))
    return answer if answer.strip() else wanted.refusal


def _reserve(name: UUID, agent: Agent, wanted: Configuration, question: str) -> None:
    with transaction.atomic():
        budgets.reserve(name, agent, prompts.most(wanted, question, history=()))


def _settle(
    name: UUID, agent: Agent, version: int, spent: Usage | None, made: Sequence[calls.Called]
) -> None:
    """Where the provider does not say, or failed midway: all that was reserved."""
    with transaction.atomic():
        cost = calls.record(agent, made, version=version)
        budgets.settle(name, agent, spent, cost)
