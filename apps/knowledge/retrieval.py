"""Finding the passages that answer a question: lexical and vector scores fused in one statement, inside the tenant."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connections

from apps.agents.embedders import catalogue
from apps.agents.followups import in_context
from apps.agents.providers.base import Turn
from apps.knowledge.models import Knowledge
from apps.tenants import scope
from apps.tenants.hops import hop

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
    readable = await hop(_readable)(agent_id)
    if not readable:
        return []
    embedder = catalogue.load(settings.EMBEDDER)
    asked = in_context(question, earlier=[turn.request for turn in history])
    [vector] = await asyncio.get_running_loop().run_in_executor(_CPU, embedder.embed, [asked])
    return await hop(_search)(readable, asked, vector, embedder.model)


def _readable(agent_id: UUID) -> list[UUID]:
    return list(Knowledge.objects.filter(agents=agent_id, status="ready").values_list("id", flat=True))


def _search(readable: list[UUID], question: str, vector: list[float], model: str) -> list[Found]:
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


# Scores are fused, not ranks. The cosine keeps its absolute meaning and the lexical score is taken relative to the best one
# found, so that the sum orders as well as min-max fusion and still tells a good find from the best of a bad lot (medians of the
# top score: .73 for questions that have an answer, .35 for ones off the topic). The lexical query is an OR, since an AND finds
# nothing for most real questions. No threshold here: the provider judges the best passages.
_SQL = """
WITH asked AS (
    SELECT replace(plainto_tsquery('english', %(question)s)::text, '&', '|')::tsquery AS query
), legs AS MATERIALIZED (
    SELECT knowledge_id, title, heading, text, page, position,
           ts_rank(words, asked.query, 1) AS lexical, greatest(1 - (embedding <=> %(vector)s::vector), 0) AS cosine
    FROM knowledge_passage, asked
    WHERE tenant_id = %(tenant)s AND knowledge_id = ANY(%(readable)s) AND embedder = %(model)s
)
SELECT knowledge_id, title, heading, text, page,
       0.6 * cosine + 0.4 * lexical / greatest(max(lexical) OVER (), 0.008) AS score, cosine
FROM legs
ORDER BY score DESC, knowledge_id, position
LIMIT %(limit)s
"""
