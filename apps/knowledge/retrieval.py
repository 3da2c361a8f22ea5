"""Finding the passages that answer a question: for an agent, in the context of its chat."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from apps.agents import embedding
from apps.agents.followups import in_context
from apps.agents.providers.base import Turn
from apps.knowledge import choice, ranking, vectors
from apps.knowledge.found import Found
from apps.tenants.hops import hop
from apps.tenants.postgres.prepared import Prepared

__all__ = ["Found"]

LIMIT = 6
UNCALIBRATED = 0.34  # low enough for the 23 passages of the demo; with 1,216 of SQuAD 0.43 is as good (docs/retrieval.md)
RANKED = 4  # times as many are ranked as are given: some have the same text, or wait for other sources
_CPU = ThreadPoolExecutor(1, "embed")  # one question at a time: more threads than cores only add waiting
_AWAY = ThreadPoolExecutor(32, "embed-away")  # for models on servers, whose answers are only waited for


_models: dict[UUID, str] = {}  # of the vectors that each agent's questions were last compared with
_MOST_MODELS = 10_000


class Shelf(NamedTuple):
    """The sources that an agent may read and that are ready, about how many passages they have, how sure it wants to be, and the
    model of their vectors: empty where there are none."""

    readable: list[UUID]
    passages: int
    threshold: float
    model: str


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
    expected = shelf.model if shelf else _models.get(agent_id, "")
    ahead = _embedding(expected, asked) if expected else None
    readable, passages, threshold, model = shelf or await hop(shelf_of)(agent_id)
    if ahead and model != expected:
        ahead.cancel()
    _expect(agent_id, model)
    found, before = list[Found](), ""
    while not found and model not in {"", before}:
        vector = await (ahead if ahead and model == expected else _embedding(model, asked))
        most = {"limit": RANKED * limit, "per_source": RANKED * limit // 2, "passages": passages}
        found = await hop(ranking.ranked)(readable, asked, vector, model=model, **most)
        # Where something is to be found, nothing is only where it has been given vectors of another model since a moment.
        before, model = model, model if found else await hop(vectors.of)(readable)
    return Search(asked, choice.chosen(found, limit=limit), threshold)


def _embedding(model: str, asked: str) -> "asyncio.Future[list[float]]":
    threads = _CPU if embedding.is_packaged(model) else _AWAY
    return asyncio.get_running_loop().run_in_executor(threads, _embed, model, asked)


def _embed(model: str, asked: str) -> list[float]:
    [vector] = vectors.embedder(model).embed([asked])
    return vector


def _expect(agent_id: UUID, model: str) -> None:
    """Of an agent without knowledge nothing is expected: nobody embeds its questions ahead."""
    if len(_models) >= _MOST_MODELS:
        _models.clear()
    _models[agent_id] = model


def shelf_of(agent_id: UUID) -> Shelf:
    row = _SHELF.first(agent=agent_id)
    assert row is not None
    readable, passages, calibrated = row
    threshold = UNCALIBRATED if calibrated is None else calibrated
    return Shelf(readable, passages, threshold, vectors.of(readable))


_SHELF = Prepared(
    "SELECT coalesce(array_agg(k.id), '{}'), coalesce(sum(k.passages), 0), "
    "(SELECT threshold FROM knowledge_calibration WHERE tenant_id = %(tenant)s AND agent_id = %(agent)s) "
    "FROM knowledge_knowledge k JOIN knowledge_knowledgelink l ON l.knowledge_id = k.id "
    "WHERE k.tenant_id = %(tenant)s AND l.tenant_id = %(tenant)s AND l.agent_id = %(agent)s AND (k.status = 'ready' OR k.synced_at IS NOT NULL)"
)
