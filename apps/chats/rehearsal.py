"""What an agent would answer, asked by staff: searched and answered as for a visitor, and recorded nowhere but in the budgets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from apps.agents import budgets, minds
from apps.agents.attempts import Attempts
from apps.agents.budgets import BudgetExhausted
from apps.agents.models import Agent
from apps.agents.providers.base import Handoff, ProviderError, Usage
from apps.chats import citations, conversations, prompts
from apps.knowledge import retrieval
from apps.knowledge.found import Found
from apps.knowledge.retrieval import Search
from apps.tenants.hops import hop


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What was found, and what would be said; `failure` is a word for why nothing was."""

    search: Search
    answer: str
    citations: Sequence[dict[str, Any]]
    failure: str = ""


async def rehearse(agent: Agent, text: str) -> Rehearsal:
    """Raises BadMessage."""
    question = conversations.clean(text)
    searched = await retrieval.look(agent.id, question)
    given = searched.found if searched.is_sure else []
    try:
        answer = await _answer(agent, question, given)
    except BudgetExhausted:
        return Rehearsal(searched, "", (), conversations.BUDGET_EXHAUSTED)
    except ProviderError as error:
        return Rehearsal(searched, "", (), f"provider_{error.kind}")
    return Rehearsal(searched, answer, citations.resolve(answer, given))


async def _answer(agent: Agent, question: str, given: Sequence[Found]) -> str:
    able = await hop(minds.of)(agent.minds)
    prompt = prompts.compose(agent, question, history=(), found=given)
    name, said = uuid4(), list[str]()
    spent: list[Usage | Handoff] = []
    await hop(_reserve)(name, agent, question)
    try:
        await Attempts(able, prompt).tell(said.append, spent.append)
    finally:
        told = [one for one in spent if isinstance(one, Usage) and one != Usage(0, 0)]
        await hop(_settle)(name, agent, told[-1] if told else None)
    return "".join(said)


def _reserve(name: UUID, agent: Agent, question: str) -> None:
    with transaction.atomic():
        budgets.reserve(name, agent, prompts.most(agent, question, history=()))


def _settle(name: UUID, agent: Agent, spent: Usage | None) -> None:
    """Where the provider does not say, or failed midway: all that was reserved."""
    with transaction.atomic():
        budgets.settle(name, agent, spent)
