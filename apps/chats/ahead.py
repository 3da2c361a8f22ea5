"""What a reply needs to know, looked up while its question is being recorded: neither waits for the other."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from apps.agents import followups, minds
from apps.agents.minds import Mind
from apps.agents.models import Agent
from apps.agents.providers.base import ProviderError, Turn
from apps.knowledge import retrieval
from apps.knowledge.retrieval import Found
from apps.tenants.hops import hop
from apps.tenants.postgres.prepared import Prepared, Table

T = TypeVar("T")


class Known(NamedTuple):
    """Where an agent may think that wants these minds."""

    wanted: Sequence[tuple[str, str]]
    able: tuple[Mind, ...]


class Ahead:
    """Begun with a question, by whoever expects that this process is to answer it."""

    def __init__(self, agent_id: UUID, question: str) -> None:
        self._agent_id, self._question = agent_id, question
        self._asking = _begun(hop(_known)(agent_id))
        stands_alone = followups.stands_alone(question)
        self._searching = _begun(retrieval.search(agent_id, question)) if stands_alone else None

    def drop(self) -> None:
        """It is not to be answered here, or not now."""
        self._asking.cancel()
        if self._searching is not None:
            self._searching.cancel()

    async def known(self, agent: Agent, history: Sequence[Turn]) -> tuple[tuple[Mind, ...], list[Found]]:
        """The minds, and the passages for the question; asked again where the agent has changed meanwhile. Raises ProviderError."""
        known = await self._asking
        if known is None or known.wanted != agent.minds or self._agent_id != agent.id:
            self.drop()
            return await known_of(agent, self._question, history)
        if self._searching is None:
            return known.able, await retrieval.search(agent.id, self._question, history=history)
        return known.able, await self._searching


async def known_of(
    agent: Agent, question: str, history: Sequence[Turn]
) -> tuple[tuple[Mind, ...], list[Found]]:
    """The same, of a reply for which nobody has looked ahead."""
    able = await hop(minds.of)(agent.minds)
    return able, await retrieval.search(agent.id, question, history=history)


def _known(agent_id: UUID) -> Known | None:
    row = _AGENT.first(agent=agent_id)
    if row is None:
        return None
    agent = _AGENTS.read(row)
    try:
        return Known(agent.minds, minds.of(agent.minds))
    except ProviderError:  # to be raised where it can be told
        return None


def _begun(work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """Whoever waits for it is told what went wrong; where nobody does, nothing did."""
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


_AGENTS = Table(Agent)
_AGENT = Prepared(
    f"SELECT {_AGENTS.columns('a')} FROM agents_agent a WHERE tenant_id = %(tenant)s AND id = %(agent)s"
)
