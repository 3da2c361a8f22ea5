"""What a reply needs to know, looked up while its question is being recorded: neither waits for the other."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from apps.agents import followups, minds
from apps.agents.minds import Mind
from apps.agents.models import Agent
from apps.agents.providers.base import ProviderError, Turn
from apps.knowledge import retrieval
from apps.knowledge.retrieval import Found, Shelf
from apps.tenants.hops import hop
from apps.tenants.postgres.prepared import Prepared, Table


class Known(NamedTuple):
    """Where an agent may think that wants these minds, what it may read, and what was found there; None where that depends on what was
    said before."""

    wanted: Sequence[tuple[str, str]]
    able: tuple[Mind, ...]
    shelf: Shelf
    found: list[Found] | None


class Ahead:
    """Begun with a question, by whoever expects that this process is to answer it."""

    def __init__(self, agent_id: UUID, question: str) -> None:
        self._agent_id, self._question = agent_id, question
        self._looking = asyncio.get_running_loop().create_task(self._look())
        self._looking.add_done_callback(_heard)

    def drop(self) -> None:
        """It is not to be answered here, or not now."""
        self._looking.cancel()

    async def known(self, agent: Agent, history: Sequence[Turn]) -> tuple[tuple[Mind, ...], list[Found]]:
        """The minds, and the passages for the question. What has changed meanwhile, or failed, is asked again. Raises ProviderError."""
        known = await self._looking
        if known is None or known.wanted != agent.minds or self._agent_id != agent.id:
            return await known_of(agent, self._question, history)
        if known.found is not None:
            return known.able, known.found
        found = await retrieval.search(agent.id, self._question, history=history, shelf=known.shelf)
        return known.able, found

    async def _look(self) -> Known | None:
        known = await hop(_facts)(self._agent_id)
        if known is None or not followups.stands_alone(self._question):
            return known
        return known._replace(found=await retrieval.search(self._agent_id, self._question, shelf=known.shelf))


async def known_of(
    agent: Agent, question: str, history: Sequence[Turn]
) -> tuple[tuple[Mind, ...], list[Found]]:
    """The same, of a reply for which nobody has looked ahead."""
    able, shelf = await hop(_able)(agent)
    return able, await retrieval.search(agent.id, question, history=history, shelf=shelf)


def _able(agent: Agent) -> tuple[tuple[Mind, ...], Shelf]:
    """Where it may think and what it may read, asked in one hop. Raises ProviderError."""
    return minds.of(agent.minds), retrieval.shelf_of(agent.id)


def _facts(agent_id: UUID) -> Known | None:
    row = _AGENT.first(agent=agent_id)
    if row is None:
        return None
    agent = _AGENTS.read(row)
    try:
        return Known(agent.minds, *_able(agent), None)
    except ProviderError:  # to be raised where it can be told
        return None


def _heard(looking: "asyncio.Task[Known | None]") -> None:
    """Whoever waits for it is told what went wrong; where nobody does, nothing did."""
    if not looking.cancelled():
        looking.exception()


_AGENTS = Table(Agent)
_AGENT = Prepared(
    f"SELECT {_AGENTS.columns('a')} FROM agents_agent a WHERE tenant_id = %(tenant)s AND id = %(agent)s"
)
