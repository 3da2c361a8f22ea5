"""Finding the passages that answer a question: for an agent, in the context of its chat."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from apps.agents.embedders import catalogue
from apps.agents.followups import in_context
from apps.agents.providers.base import Turn
from apps.knowledge import choice, ranking
from apps.knowledge.found import Found
from apps.knowledge.models import Calibration, Knowledge
from apps.tenants.hops import hop

__all__ = ["Found"]

LIMIT = 6
UNCALIBRATED = 0.34  # low enough for the 23 passages of the demo; with 1,216 of SQuAD 0.43 is as good (docs/retrieval.md)
RANKED = 4  # times as many are ranked as are given: some have the same text, or wait for other sources
_CPU = ThreadPoolExecutor(1, "embed")  # one question at a time: more threads than cores only add waiting


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


async def search(agent_id: UUID, question: str, *, history: Sequence[Turn] = ()) -> list[Found]:
    """The passages an answer may be taken from, best first; none where what was found is not about the question."""
    searched = await look(agent_id, question, history=history)
    return searched.found if searched.is_sure else []


async def look(agent_id: UUID, question: str, *, history: Sequence[Turn] = (), limit: int = LIMIT) -> Search:
    """The passages this agent may read that fit the question best, sure or not."""
    asked = in_context(question, earlier=[turn.request for turn in history])
    readable, threshold = await hop(_shelf)(agent_id)
    if not readable:
        return Search(asked, [], threshold)
    embedder = catalogue.load(settings.EMBEDDER)
    [vector] = await asyncio.get_running_loop().run_in_executor(_CPU, embedder.embed, [asked])
    most = {"limit": RANKED * limit, "per_source": RANKED * limit // 2}
    found = await hop(ranking.ranked)(readable, asked, vector, model=embedder.model, **most)
    return Search(asked, choice.chosen(found, limit=limit), threshold)


def _shelf(agent_id: UUID) -> tuple[list[UUID], float]:
    """What the agent may read, and how sure it wants to be."""
    calibrated = Calibration.objects.filter(agent=agent_id).values_list("threshold", flat=True).first()
    return _readable(agent_id), UNCALIBRATED if calibrated is None else calibrated


def _readable(agent_id: UUID) -> list[UUID]:
    return list(Knowledge.objects.filter(agents=agent_id, status="ready").values_list("id", flat=True))
