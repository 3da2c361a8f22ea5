"""Finding the passages that answer a question: four scores of each, fused in one statement, inside the tenant."""

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
class Legs:
    """What each leg of a search says of a passage: the cosines of the passage and of its best sentence to the question, BM25 of
    both as shares of a perfect match, and which share of the question's words it has, rare ones counting more."""

    cosine: float = 0.0
    sentence_cosine: float = 0.0
    bm25: float = 0.0
    sentence_bm25: float = 0.0
    coverage: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """A passage and why it was found: `score` in [0, 1] ordered it."""

    id: UUID
    knowledge_id: UUID
    title: str
    heading: str
    text: str
    page: int | None
    position: int
    score: float
    legs: Legs = Legs()


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
    return await hop(_search)(readable, asked, vector, embedder.model, limit)


def _readable(agent_id: UUID) -> list[UUID]:
    return list(Knowledge.objects.filter(agents=agent_id, status="ready").values_list("id", flat=True))


def _search(
    readable: list[UUID], question: str, vector: list[float], model: str, limit: int = LIMIT
) -> list[Found]:
    parameters: dict[str, Any] = {
        "question": question,
        "vector": str(vector),
        "tenant": scope.current(),
        "readable": readable,
        "model": model,
        "limit": limit,
    }
    with connections["vectors"].cursor() as cursor:
        cursor.execute(_SQL, parameters)
        return [_found(*row) for row in cursor.fetchall()]


def _found(
    id: UUID,
    knowledge_id: UUID,
    title: str,
    heading: str,
    text: str,
    page: int | None,
    position: int,
    score: float,
    *legs: float,
) -> Found:
    return Found(id, knowledge_id, title, heading, text, page, position, score, Legs(*legs))


# Scores are fused, not ranks, and no threshold cuts a leg (docs/retrieval.md).
_SQL = """
WITH shelf AS MATERIALIZED (
    SELECT language, count(*) AS passages, avg(length) AS length
    FROM knowledge_passage
    WHERE tenant_id = %(tenant)s AND knowledge_id = ANY(%(readable)s) AND embedder = %(model)s
    GROUP BY language
), asked AS MATERIALIZED (
    SELECT language, passages, shelf.length, lexeme
    FROM shelf, unnest(to_tsvector(nullif(language, '')::regconfig, %(question)s)) AS word
), matched AS MATERIALIZED (
    SELECT passage_id, language, lexeme, places, term.length / asked.length AS length, asked.passages,
           count(*) OVER (PARTITION BY language, lexeme) AS holders
    FROM asked JOIN knowledge_term term USING (language, lexeme)
    WHERE term.tenant_id = %(tenant)s AND term.knowledge_id = ANY(%(readable)s)
), weighed AS MATERIALIZED (
    SELECT language, lexeme, ln(1 + (passages - holders + 0.5) / (holders + 0.5)) AS weight
    FROM (
        SELECT language, lexeme, asked.passages, coalesce(max(holders), 0) AS holders
        FROM asked LEFT JOIN matched USING (language, lexeme)
        GROUP BY language, lexeme, asked.passages
    ) AS counted
), most AS (
    SELECT language, sum(weight) AS weight FROM weighed GROUP BY language
), lexical AS MATERIALIZED (
    SELECT passage_id, max(most.weight) AS most,
           sum(weighed.weight) / max(most.weight) AS coverage,
           sum(weighed.weight * 2.2 * cardinality(places) / (cardinality(places) + 1.2 * (0.25 + 0.75 * length)))
               / max(most.weight) / 2.2 AS bm25
    FROM matched JOIN weighed USING (language, lexeme) JOIN most USING (language)
    GROUP BY passage_id
), nearest AS MATERIALIZED (
    SELECT id AS passage_id
    FROM knowledge_passage
    WHERE tenant_id = %(tenant)s AND knowledge_id = ANY(%(readable)s) AND embedder = %(model)s
    ORDER BY embedding <=> %(vector)s::vector
    LIMIT 50
), candidates AS MATERIALIZED (
    SELECT passage_id FROM nearest
    UNION
    (SELECT passage_id FROM lexical ORDER BY bm25 DESC, passage_id LIMIT 50)
), counted AS MATERIALIZED (
    SELECT passage_id, place, weight, count(*) AS times
    FROM candidates JOIN matched USING (passage_id) JOIN weighed USING (language, lexeme), unnest(places) AS place
    GROUP BY passage_id, place, lexeme, weight
), said AS MATERIALIZED (
    SELECT passage_id, max(cosine) AS cosine, max(bm25) AS bm25
    FROM (
        SELECT sentence.passage_id, sentence.position,
               1 - (min(embedding <=> %(vector)s::vector)) AS cosine,
               sum(weight * times / (times + 1.2 * (0.25 + 0.75 * sentence.length / 20))) AS bm25
        FROM candidates
        JOIN knowledge_sentence sentence USING (passage_id)
        LEFT JOIN counted ON counted.passage_id = sentence.passage_id AND place = position
        WHERE tenant_id = %(tenant)s
        GROUP BY sentence.passage_id, sentence.position
    ) AS judged
    GROUP BY passage_id
), legs AS MATERIALIZED (
    SELECT id, knowledge_id, title, heading, text, page, position,
           1 - (embedding <=> %(vector)s::vector) AS cosine,
           coalesce(said.cosine, 1 - (embedding <=> %(vector)s::vector)) AS sentence_cosine,
           coalesce(lexical.bm25, 0) AS bm25,
           coalesce(said.bm25 / most, 0) AS sentence_bm25,
           coalesce(coverage, 0) AS coverage
    FROM candidates
    JOIN knowledge_passage passage ON id = candidates.passage_id
    LEFT JOIN lexical USING (passage_id)
    LEFT JOIN said USING (passage_id)
    WHERE passage.tenant_id = %(tenant)s AND knowledge_id = ANY(%(readable)s)
), spread AS (
    SELECT greatest(max(bm25), 1e-9) AS bm25, greatest(max(sentence_bm25), 1e-9) AS sentence_bm25,
           min(cosine) AS least, greatest(max(cosine) - min(cosine), 1e-9) AS cosine,
           min(sentence_cosine) AS least_sentence, greatest(max(sentence_cosine) - min(sentence_cosine), 1e-9) AS sentence_cosine
    FROM legs
)
SELECT id, knowledge_id, title, heading, text, page, position,
       0.35 * legs.bm25 / spread.bm25 + 0.15 * legs.sentence_bm25 / spread.sentence_bm25
       + 0.25 * (legs.cosine - least) / spread.cosine
       + 0.25 * (legs.sentence_cosine - least_sentence) / spread.sentence_cosine AS score,
       legs.cosine, legs.sentence_cosine, legs.bm25, legs.sentence_bm25, coverage
FROM legs, spread
ORDER BY score DESC, knowledge_id, position
LIMIT %(limit)s
"""
