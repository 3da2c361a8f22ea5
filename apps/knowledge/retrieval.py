"""Finding the passages that answer a question: for an agent, in the context of its chat."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from apps.agents import embedding
from apps.agents.followups import in_context
from apps.agents.providers.base import Turn
from apps.knowledge import choice, ranking
from apps.knowledge.found import Found
from apps.tenants.hops import hop
from apps.tenants.postgres.prepared import Prepared

__all__ = ["Found"]

LIMIT = 6
UNCALIBRATED = 0.34  # low enough for the 23 passages of the demo; with 1,216 of SQuAD 0.43 is as good (docs/retrieval.md)
RANKED = 4  # times as many are ranked as are given: some have the same text, or wait for other sources
_CPU = ThreadPoolExecutor(1, "embed")  # one question at a time: more threads than cores only add waiting


class Shelf(NamedTuple):
    """The sources that an agent may read and that are ready, and how sure it wants to be."""

    readable: list[UUID]
    threshold: float


@dataclass(frozen=True, slots=True)
class Search:
    """What was asked, in the context of its chat, and what was found; `threshold` is how sure the agent wants to be."""

    asked: str
    found: list[Found]
    threshold: float

    @property
    def is_sure(self) -> bool:
        """The one threshold of a search: on the final score of the best passage."""
        return bool(self.found) and self.found[0].score >= self.threshold


async def search(
    agent_id: UUID, question: str, *, history: Sequence[Turn] = (), shelf: Shelf | None = None
) -> list[Found]:
    """The passages an answer may be taken from, best first; none where what was found is not about the question. `shelf` is the
    agent's, where that is known already."""
    searched = await look(agent_id, question, history=history, shelf=shelf)
    return searched.found if searched.is_sure else []


async def look(
    agent_id: UUID,
    question: str,
    *,
    history: Sequence[Turn] = (),
    limit: int = LIMIT,
    shelf: Shelf | None = None,
) -> Search:
    """The passages this agent may read that fit the question best, sure or not."""
    asked = in_context(question, earlier=[turn.request for turn in history])
    readable, threshold = shelf or await hop(shelf_of)(agent_id)
    if not readable:
        return Search(asked, [], threshold)
    embedder = embedding.of(settings.EMBEDDER)
    [vector] = await asyncio.get_running_loop().run_in_executor(_CPU, embedder.embed, [asked])
    most = {"limit": RANKED * limit, "per_source": RANKED * limit // 2}
    found = await hop(ranking.ranked)(readable, asked, vector, model=embedder.model, **most)
    return Search(asked, choice.chosen(found, limit=limit), threshold)


def shelf_of(agent_id: UUID) -> Shelf:
    row = _SHELF.first(agent=agent_id)
    assert row is not None
    readable, calibrated = row
    return Shelf(readable, UNCALIBRATED if calibrated is None else calibrated)


_SHELF = Prepared(
    "SELECT array(SELECT k.id FROM knowledge_knowledge k JOIN knowledge_knowledgelink l ON l.knowledge_id = k.id "
    "WHERE k.tenant_id = %(tenant)s AND l.tenant_id = %(tenant)s AND l.agent_id = %(agent)s AND (k.status = 'ready' OR k.synced_at IS NOT NULL)), "
    "(SELECT threshold FROM knowledge_calibration WHERE tenant_id = %(tenant)s AND agent_id = %(agent)s)"
)
