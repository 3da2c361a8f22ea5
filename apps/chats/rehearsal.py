"""What an agent would answer, asked by staff: searched and answered as for a visitor, and recorded nowhere but in the ledger and the budgets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from apps.agents import budgets, calls, minds
from apps.agents.attempts import Attempts, Heard, SaidEnough
from apps.agents.budgets import BudgetExhausted
from apps.agents.configuration import Configuration
from apps.agents.minds import Mind
from apps.agents.models import Agent
from apps.agents.providers.base import ProviderError, Usage
from apps.chats import citations, conversations, deadlines, explanations, prompts
from apps.chats.prompts import Composed
from apps.knowledge import retrieval
from apps.knowledge.retrieval import Search
from apps.tenants.hops import hop


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What was found, and what would be said; `failure` is a word for why nothing was, `detail` a sentence for staff."""

    search: Search
    answer: str
    citations: Sequence[dict[str, Any]]
    failure: str = ""
    detail: str = ""


async def rehearse(agent: Agent, text: str, *, as_if: Configuration | None = None) -> Rehearsal:
    """As the agent, or as if it were its draft already. Raises BadMessage."""
    question = conversations.clean(text)
    searched = await retrieval.look(agent.id, question)
    found = searched.found if searched.is_sure else []
    told = prompts.compose(as_if or agent, question, history=(), found=found)
    try:
        answer = await _answer(agent, as_if or agent, told)
    except BudgetExhausted as error:
        return Rehearsal(searched, "", (), conversations.BUDGET_EXHAUSTED, str(error))
    except ProviderError as error:
        return Rehearsal(searched, "", (), f"provider_{error.kind}", str(error))
    return Rehearsal(searched, answer, citations.resolve(answer, told.given))


async def _answer(agent: Agent, wanted: Configuration, told: Composed) -> str:
    able: tuple[Mind, ...] = (minds.quoting(),)
    if told.given or not wanted.only_from_knowledge:
        able = await hop(minds.of)(wanted.minds)
    name, said = uuid4(), list[str]()
    reserved = await hop(_reserve)(name, agent, wanted, told.prompt.question)

    async def is_afforded() -> bool:
        again = hop(budgets.reserve_again)
        return reserved is None or await again(name, agent, reserved, minds=wanted.minds)

    attempts = Attempts(able, told.prompt, is_afforded)
    try:
        await _tell(attempts, said, most=budgets.paid_for(wanted, reserved))
    finally:
        made = explanations.called(attempts.made, told, pieces=len(said), said="".join(said))
        await hop(_settle)(name, agent, agent.version if wanted is agent else 0, made)
    sieve = citations.Sieve(len(told.given))
    sieve.end()
    answer = sieve.pass_on("".join(said))
    return answer if answer.strip() else wanted.refusal


async def _tell(attempts: Attempts, said: list[str], *, most: float) -> None:
    """As long and as much as a visitor would be told. Raises ProviderError."""
    try:
        async with deadlines.watched() as watchdog:

            def hear(piece: str) -> None:
                said.append(piece)
                watchdog.fed()
                if len(said) >= most:
                    raise SaidEnough

            await attempts.tell(Heard(hear), lambda _: None)
    except TimeoutError:
        attempts.blame("timeout", "It fell silent, or went on for too long.")
        raise ProviderError("It took too long.", kind="timeout", retryable=True) from None


def _reserve(name: UUID, agent: Agent, wanted: Configuration, question: str) -> Usage | None:
    most = prompts.most(wanted, question, history=())
    with transaction.atomic():
        return budgets.reserve(name, agent, most, minds=wanted.minds)


def _settle(name: UUID, agent: Agent, version: int, made: Sequence[calls.Called]) -> None:
    with transaction.atomic():
        cost = calls.record(agent, made, version=version)
        budgets.settle(name, agent, calls.total(made), cost)
