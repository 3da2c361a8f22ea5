"""The one statement of a search: five scores for each passage, two of them of its sentences, and their weighed sum."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import connections

from apps.agents.relatedness import Line
from apps.knowledge.found import WEIGHTS, Found, Legs
from apps.knowledge.models import Passage
from apps.tenants import scope
from apps.tenants.postgres.prepared import Prepared

CANDIDATES = 50  # of each leg: with thirty SQuAD is answered as well and a fifth sooner, but one source with forty variants of a text drowns others
LARGE = 1500  # passages: from about here on a tenant's index of vectors is faster than comparing all (docs/performance.md)


def ranked(
    readable: Sequence[UUID],
    question: str,
    vector: Sequence[float],
    *,
    model: str,
    limit: int,
    per_source: int | None = None,
    passages: int = 0,
) -> list[Found]:
    """The passages of these sources, embedded by this model, that fit the question best, from each source no more than so many;
    equal ones in an order that stays. `passages` says about how many there are to choose from."""
    told: dict[str, Any] = {"question": question, "vector": str(list(vector)), "readable": list(readable)}
    told |= {"model": model, "limit": limit, "per_source": per_source or limit}
    rows = _planned_anew(told) if passages >= LARGE else _COMPARED.rows(**told)
    return [_found(row) for row in rows]


def _planned_anew(told: dict[str, Any]) -> list[Sequence[Any]]:
    """For this tenant and these sources: only then can the planner choose between the tenant's own index and comparing all."""
    with connections[Passage.database].cursor() as cursor:
        cursor.execute(_SQL, told | {"tenant": scope.current()})
        return list(cursor.fetchall())


def _found(row: Sequence[Any]) -> Found:
    id, knowledge_id, title, heading, text, page, position, score, lines, url, as_of, *legs = row
    judged = tuple(Line(*line) for line in lines or ())
    return Found(
        (id,), knowledge_id, title, heading, text, page, position, score, Legs(*legs), judged, url, as_of
    )


# The vector leg. Exact, or by the tenant's own index where `index_vectors` has made one: the planner chooses (docs/retrieval.md).
NEAREST = f"""
    SELECT id AS passage_id
    FROM knowledge_passage
    WHERE tenant_id = %(tenant)s AND knowledge_id = ANY(%(readable)s) AND embedder = %(model)s
    ORDER BY embedding <=> %(vector)s::vector
    LIMIT {CANDIDATES}
"""

# The tenant and the sources are asked for in each part that reads a table, so that no index can be searched past them.
# BM25 has k1 = 1.2, b = 0.75; a perfect match has every word of the question as often as one likes, which is 2.2 times their weight.
# Words are weighed as if there were a hundred passages more, which have none of them: in a source of three passages a word that all
# have would otherwise weigh nothing.
# All constants are double precision: PostgreSQL's numeric made this statement twice as slow.
_SQL = f"""
WITH shelf AS MATERIALIZED (
    SELECT language, count(*)::float8 AS passages, avg(length)::float8 AS length
    FROM knowledge_passage
    WHERE tenant_id = %(tenant)s AND knowledge_id = ANY(%(readable)s) AND embedder = %(model)s
    GROUP BY language
), asked AS MATERIALIZED (
    SELECT language, passages, shelf.length, lexeme
    FROM shelf, unnest(to_tsvector(nullif(language, '')::regconfig, %(question)s::text)) AS word
), matched AS MATERIALIZED (
    SELECT term.passage_id, language, lexeme, places, term.length / asked.length AS length,
           cardinality(places)::float8 AS times
    FROM asked JOIN knowledge_term term USING (language, lexeme)
    WHERE term.tenant_id = %(tenant)s AND term.knowledge_id = ANY(%(readable)s)
), weighed AS MATERIALIZED (
    SELECT language, lexeme, ln(1 + (passages + 100 - holders + 0.5::float8) / (holders + 0.5::float8)) AS weight
    FROM (
        SELECT language, lexeme, max(asked.passages) AS passages, count(matched.passage_id)::float8 AS holders
        FROM asked LEFT JOIN matched USING (language, lexeme)
        GROUP BY language, lexeme
    ) AS counted
), whole AS MATERIALIZED (
    SELECT language, sum(weight) AS weight FROM weighed GROUP BY language
), lexical AS MATERIALIZED (
    SELECT passage_id, max(whole.weight) AS whole, sum(weighed.weight) / max(whole.weight) AS coverage,
           sum(weighed.weight * times / (times + 1.2::float8 * (0.25::float8 + 0.75::float8 * length)))
               / max(whole.weight) AS bm25,
           array_agg(ROW(weighed.weight, places)) AS hits
    FROM matched JOIN weighed USING (language, lexeme) JOIN whole USING (language)
    GROUP BY passage_id
), nearest AS MATERIALIZED ({NEAREST}), candidates AS MATERIALIZED (
    SELECT passage_id, whole, coalesce(coverage, 0) AS coverage, coalesce(bm25, 0) AS bm25, hits
    FROM (SELECT *, row_number() OVER (ORDER BY bm25 DESC, passage_id) AS place FROM lexical) AS placed
    FULL JOIN (SELECT passage_id, true AS is_near FROM nearest) AS near USING (passage_id)
    WHERE is_near OR place <= {CANDIDATES}
), judged AS MATERIALIZED (
    SELECT sentence.passage_id, position, text, 1 - (embedding <=> %(vector)s::vector) AS cosine,
           coalesce((
               SELECT sum(weight * (1 - norm / (cardinality(array_positions(places, position)) + norm)))
               FROM unnest(hits) AS hit(weight float8, places smallint[]),
                    (SELECT 1.2::float8 * (0.25::float8 + 0.75::float8 * sentence.length / 20::float8) AS norm) AS long
           ) / whole, 0) AS bm25
    FROM candidates JOIN knowledge_sentence sentence USING (passage_id)
    WHERE sentence.tenant_id = %(tenant)s
), best AS MATERIALIZED (
    SELECT passage_id, max(cosine) AS cosine, max(bm25) AS bm25 FROM judged GROUP BY passage_id
), legs AS MATERIALIZED (
    SELECT id, knowledge_id, document_id, title, heading, text, page, position, url,
           greatest(1 - (embedding <=> %(vector)s::vector), 0) AS cosine,
           greatest(coalesce(best.cosine, 1 - (embedding <=> %(vector)s::vector)), 0) AS sentence_cosine,
           candidates.bm25, coalesce(best.bm25, 0) AS sentence_bm25, coverage
    FROM candidates
    JOIN knowledge_passage passage ON passage.id = candidates.passage_id
    LEFT JOIN best USING (passage_id)
    WHERE passage.tenant_id = %(tenant)s AND knowledge_id = ANY(%(readable)s) AND embedder = %(model)s
), scored AS MATERIALIZED (
    SELECT *, {" + ".join(f"{weight}::float8 * {leg}" for leg, weight in asdict(WEIGHTS).items())} AS score
    FROM legs
), ordered AS MATERIALIZED (
    SELECT *
    FROM (
        SELECT *, row_number() OVER (PARTITION BY knowledge_id ORDER BY score DESC, position, id) AS place
        FROM scored
    ) AS placed
    WHERE place <= %(per_source)s
    ORDER BY score DESC, knowledge_id, position, id
    LIMIT %(limit)s
), told AS MATERIALIZED (
    SELECT passage_id, json_agg(json_build_array(text, cosine) ORDER BY position) AS lines
    FROM judged
    WHERE passage_id IN (SELECT id FROM ordered)
    GROUP BY passage_id
)
SELECT ordered.id, ordered.knowledge_id, title, heading, text, page, position, score,
       lines, url, seen.at,
       cosine, sentence_cosine, bm25, sentence_bm25, coverage
FROM ordered
LEFT JOIN told ON passage_id = ordered.id
LEFT JOIN knowledge_seen seen ON seen.tenant_id = %(tenant)s AND seen.document_id = ordered.document_id
ORDER BY score DESC, ordered.knowledge_id, position, ordered.id
"""
_COMPARED = Prepared(_SQL, database=Passage.database)
