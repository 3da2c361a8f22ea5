"""Finding the passages that answer a question: lexical and vector scores fused in one statement, inside the tenant."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import connections

from apps.agents.embedders import catalogue
from apps.agents.followups import in_context
from apps.agents.providers.base import Turn
from apps.knowledge.models import Knowledge
from apps.tenants import scope

LIMIT = 6
_CPU = ThreadPoolExecutor(1, "embed")  # one question at a time: more threads than cores only add waiting


@dataclass(frozen=True, slots=True)
class Found:
    """A passage and why it was found: `cosine` to the question, and the fused `score` in [0, 1] that ordered it."""

    knowledge_id: UUID
    title: str
    heading: str
    text: str
    page: int | None
    score: float
    cosine: float


async def search(agent_id: UUID, question: str, *, history: Sequence[Turn] = ()) -> list[Found]:
    """The passages this agent may read that fit the question best, best first; empty where it knows nothing."""
    embedder = catalogue.load(settings.EMBEDDER)
    asked = in_context(question, earlier=[turn.request for turn in history])
    [vector] = await asyncio.get_running_loop().run_in_executor(_CPU, embedder.embed, [asked])
    return await database_sync_to_async(_search)(agent_id, asked, vector, embedder.model)


def _search(agent_id: UUID, question: str, vector: list[float], model: str) -> list[Found]:
    readable = list(Knowledge.objects.filter(agents=agent_id, status="ready").values_list("id", flat=True))
    if not readable:
        return []
    parameters: dict[str, Any] = {
        "question": question,
        "vector": str(vector),
        "tenant": scope.current(),
        "readable": readable,
        "model": model,
        "limit": LIMIT,
    }
    with connections["vectors"].cursor() as cursor:
        cursor.execute(_SQL, parameters)
        return [Found(*row) for row in cursor.fetchall()]


# Scores are fused, not ranks, after each leg was stretched over the tenant's own passages (min-max); the lexical query is
# an OR, since an AND finds nothing for most real questions. No threshold here: the provider judges the best passages.
_SQL = """
WITH asked AS (
    SELECT replace(plainto_tsquery('english', %(question)s)::text, '&', '|')::tsquery AS query
), legs AS (
    SELECT knowledge_id, title, heading, text, page, position,
           ts_rank(words, asked.query, 1) AS lexical, 1 - (embedding <=> %(vector)s::vector) AS cosine
    FROM knowledge_passage, asked
    WHERE tenant_id = %(tenant)s AND knowledge_id = ANY(%(readable)s) AND embedder = %(model)s
), spans AS (
    SELECT min(lexical) AS low, max(lexical) - min(lexical) AS lexical_span,
           min(cosine) AS least, max(cosine) - min(cosine) AS cosine_span
    FROM legs
)
SELECT knowledge_id, title, heading, text, page,
       coalesce(0.5 * (lexical - low) / nullif(lexical_span, 0), 0)
       + coalesce(0.5 * (cosine - least) / nullif(cosine_span, 0), 0.5) AS score,
       cosine
FROM legs, spans
ORDER BY score DESC, knowledge_id, position
LIMIT %(limit)s
"""
