"""Finding the passages that answer a question: for an agent, in the context of its chat."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from apps.agents import embedding
from apps.agents.followups import in_context, stands_alone
from apps.agents.providers.base import ProviderError, Turn
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
    """The sources that an agent may read and that are ready, about how many passages they have, and how sure it wants to be."""

    readable: list[UUID]
    passages: int
    threshold: float


@dataclass(frozen=True, slots=True)
class Ahead:
    """A question whose vector of this model is being made, while something else is waited for."""

    asked: str
    model: str
    vector: "asyncio.Future[list[float]]"

    def drop(self) -> None:
        self.vector.cancel()


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


def ahead(agent_id: UUID, question: str) -> Ahead | None:
    """Begin to look for what is about to be searched for; None where there is nothing to do before the agent's shelf is known."""
    model = _models.get(agent_id)
    return Ahead(question, model, _embedding(model, question)) if model and stands_alone(question) else None


async def search(agent_id: UUID, question: str, **known: Any) -> list[Found]:
    """The passages an answer may be taken from, best first; none where what was found is not about the question. `known` is what
    `look` can be told."""
    searched = await look(agent_id, question, **known)
    return searched.found if searched.is_sure else []


async def look(
    agent_id: UUID,
    question: str,
    *,
    history: Sequence[Turn] = (),
    limit: int = LIMIT,
    shelf: Shelf | None = None,
    begun: Ahead | None = None,
) -> Search:
    """The passages this agent may read that fit the question best, sure or not. `shelf` is the agent's, where that is known already,
    and `begun` what was done ahead."""
    asked = in_context(question, earlier=[turn.request for turn in history])
    if begun is None or begun.asked != asked:
        begun = ahead(agent_id, asked)
    readable, passages, threshold = shelf or await hop(shelf_of)(agent_id)
    most = {"limit": RANKED * limit, "per_source": RANKED * limit // 2, "passages": passages}

    async def compared(model: str) -> list[Found]:
        vector = await (begun.vector if begun and begun.model == model else _embedding(model, asked))
        return await hop(ranking.ranked)(readable, asked, vector, model=model, **most)

    found = await _by_its_model(agent_id, readable, compared) if readable else []
    return Search(asked, choice.chosen(found, limit=limit), threshold)


async def _by_its_model(
    agent_id: UUID, readable: list[UUID], compared: Callable[[str], Awaitable[list[Found]]]
) -> list[Found]:
    """What is found by the model that these sources were last found to have vectors of; where that is nothing or fails, they may have
    been given vectors of another since. Raises ProviderError."""
    found, before, failure = list[Found](), "", None
    model = _models.get(agent_id) or await hop(vectors.of)(readable)
    while not found and model not in {"", before}:
        try:
            found, failure = await compared(model), None
        except ProviderError as error:
            failure = error
        before, model = model, model if found else await hop(vectors.of)(readable)
    if failure is not None:
        raise failure
    _expect(agent_id, model)
    return found


def _embedding(model: str, asked: str) -> "asyncio.Future[list[float]]":
    """Whoever waits for it is told what went wrong; where nobody does, nothing did."""
    future: asyncio.Future[list[float]]
    if embedding.is_packaged(model):
        future = asyncio.get_running_loop().run_in_executor(_CPU, _embed, model, asked)
    else:
        future = asyncio.ensure_future(_embedding_away(model, asked))
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


async def _embedding_away(model: str, asked: str) -> list[float]:
    """A visitor waits, also for a thread where a server has stopped answering. Raises ProviderError."""
    try:
        async with asyncio.timeout(embedding.QUESTION_SECONDS):
            return await asyncio.get_running_loop().run_in_executor(_AWAY, _embed, model, asked)
    except TimeoutError:
        message = f"{model} took more than {embedding.QUESTION_SECONDS:.0f} s to embed a question."
        raise ProviderError(message, kind="timeout", retryable=True) from None


def _embed(model: str, asked: str) -> list[float]:
    [vector] = vectors.embedder(model, seconds=embedding.QUESTION_SECONDS).embed([asked])
    return vector


def _expect(agent_id: UUID, model: str) -> None:
    """Where nothing is expected, nothing is embedded ahead."""
    if len(_models) >= _MOST_MODELS:
        _models.clear()
    _models[agent_id] = model


def shelf_of(agent_id: UUID) -> Shelf:
    return shelf_asked(agent_id)()


def shelf_asked(agent_id: UUID) -> Callable[[], Shelf]:
    """The same, to be read later: among statements that are sent `together`."""
    cursor = _SHELF.asked(agent=agent_id)

    def read() -> Shelf:
        readable, passages, calibrated = cursor.fetchone()
        return Shelf(readable, passages, UNCALIBRATED if calibrated is None else calibrated)

    return read


_SHELF = Prepared(
    "SELECT coalesce(array_agg(k.id), '{}'), coalesce(sum(k.passages), 0), "
    "(SELECT threshold FROM knowledge_calibration WHERE tenant_id = %(tenant)s AND agent_id = %(agent)s) "
    "FROM knowledge_knowledge k JOIN knowledge_knowledgelink l ON l.knowledge_id = k.id "
    "WHERE k.tenant_id = %(tenant)s AND l.tenant_id = %(tenant)s AND l.agent_id = %(agent)s AND (k.status = 'ready' OR k.synced_at IS NOT NULL)"
)
