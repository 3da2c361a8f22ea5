"""Finding the passages that answer a question: for an agent, in the context of its chat."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from django.conf import settings

from apps.agents.embedders import catalogue
from apps.agents.followups import in_context
from apps.agents.providers.base import Turn
from apps.knowledge import choice, ranking
from apps.knowledge.found import Found
from apps.knowledge.models import Knowledge
from apps.tenants.hops import hop

__all__ = ["Found"]

LIMIT = 6
RANKED = 4  # times as many are ranked as are given: some have the same text, or wait for other sources
_CPU = ThreadPoolExecutor(1, "embed")  # one question at a time: more threads than cores only add waiting


async def search(
    agent_id: UUID, question: str, *, history: Sequence[Turn] = (), limit: int = LIMIT
) -> list[Found]:
    """The passages this agent may read that fit the question best, best first; empty where it knows nothing."""
    readable = await hop(_readable)(agent_id)
    if not readable:
        return []
    embedder = catalogue.load(settings.EMBEDDER)
    asked = in_context(question, earlier=[turn.request for turn in history])
    [vector] = await asyncio.get_running_loop().run_in_executor(_CPU, embedder.embed, [asked])
    found = await hop(ranking.ranked)(readable, asked, vector, model=embedder.model, limit=RANKED * limit)
    return choice.chosen(found, limit=limit)


def _readable(agent_id: UUID) -> list[UUID]:
    return list(Knowledge.objects.filter(agents=agent_id, status="ready").values_list("id", flat=True))
