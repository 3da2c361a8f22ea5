"""What can be searched: passages with their vectors, their sentences and their words, written and removed together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connections, transaction
from django.db.models import QuerySet

from apps.agents.embedders.base import Embedder
from apps.agents.sentences import led
from apps.agents.words import WORD
from apps.knowledge import language, vectors
from apps.knowledge.models import Passage, Sentence, Term
from apps.tenants import scope

_BATCH = 16
_OLD = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """A passage and its sentences, ready to be written."""

    passage: Passage
    sentences: Sequence[Sentence]


def prepared(passages: Sequence[Passage]) -> list[Entry]:
    """Entries for the passages of one document, which need no more than their source, position, title, heading, page and text.
    Slow: it finds their languages and embeds them with their sentences, in small batches."""
    texts = language.configurations([one.text for one in passages])
    for passage, found in zip(passages, texts, strict=True):
        passage.language, passage.length = found, _length(f"{passage.heading} {passage.text}")
    embedder = vectors.embedder(vectors.current())
    return [entry for batch in _batches(passages) for entry in embedded(batch, embedder)]


def embedded(passages: Sequence[Passage], embedder: Embedder) -> Iterator[Entry]:
    """Entries for a few passages whose language is known. All their sentences are embedded together: the more there are to choose
    from, the more of a length are those that an embedder takes at once."""
    said = [list(led(one.text)) for one in passages]
    made = embedder.embed([f"{one.heading}\n{one.text}" for one in passages])
    of_sentences = iter(embedder.embed([_with_its(lead, text) for one in said for lead, text in one]))
    for passage, vector, told in zip(passages, made, said, strict=True):
        passage.embedder, passage.embedding = embedder.model, vector
        yield Entry(
            passage, [_sentence(passage, n, text, next(of_sentences)) for n, (_, text) in enumerate(told)]
        )


def swap(entries: Iterable[Entry], *, instead_of: QuerySet[Passage]) -> int:
    """Put these in the place of those, in one transaction: a question is answered from the old or from the new, never from half."""
    entries = list(entries)
    passages = [entry.passage for entry in entries]
    with transaction.atomic(using=Passage.database):
        remove(instead_of)
        Passage.objects.bulk_create(passages, batch_size=100)
        Sentence.objects.bulk_create([one for entry in entries for one in entry.sentences], batch_size=200)
        _count_terms([passage.id for passage in passages])
    return len(passages)


def remove(passages: QuerySet[Passage]) -> int:
    """Delete passages and all that hangs on them; how many they were. Nothing of them is loaded first."""
    with transaction.atomic(using=Passage.database):
        for model in (Term, Sentence):
            found = model.objects.filter(passage__in=passages.values("id"))
            found._raw_delete(found.db)
        return passages._raw_delete(passages.db) or 0


def complete() -> int:
    """Index some passages of the tenant that were written before there was an index; how many. They are found by their vectors
    alone until then."""
    found = list(Passage.objects.filter(language="").order_by("knowledge_id", "position")[:_OLD])
    entries = prepared(found)
    with transaction.atomic(using=Passage.database):
        waiting = Passage.objects.select_for_update().filter(id__in=[one.id for one in found], language="")
        left = set(waiting.values_list("id", flat=True))  # a source may have been read anew meanwhile
        return swap(
            [entry for entry in entries if entry.passage.id in left],
            instead_of=Passage.objects.filter(id__in=left),
        )


def _batches(passages: Sequence[Passage]) -> Iterator[Sequence[Passage]]:
    for start in range(0, len(passages), _BATCH):
        yield passages[start : start + _BATCH]


def _with_its(lead: str, text: str) -> str:
    """Each is embedded with the lead-in above it: "Yes, with our link." means little without its question."""
    return f"{lead} {text}".strip()


def _sentence(passage: Passage, position: int, text: str, vector: Sequence[float]) -> Sentence:
    return Sentence(passage=passage, position=position, text=text, length=_length(text), embedding=vector)


def _length(text: str) -> int:
    return len(WORD.findall(text))


def _count_terms(passages: Sequence[UUID]) -> None:
    with connections[Passage.database].cursor() as cursor:
        cursor.execute(
            _TERMS, {"tenant": scope.current(), "passages": list(passages), "heading": Term.HEADING}
        )


# PostgreSQL makes the lexemes, of passages here as of questions in a search, so that both are cut and stemmed alike.
_TERMS = """
WITH said AS (
    SELECT id, %(heading)s AS place, to_tsvector(language::regconfig, heading) AS words
    FROM knowledge_passage
    WHERE tenant_id = %(tenant)s AND id = ANY(%(passages)s)
    UNION ALL
    SELECT passage.id, sentence.position, to_tsvector(passage.language::regconfig, sentence.text)
    FROM knowledge_sentence sentence
    JOIN knowledge_passage passage ON passage.tenant_id = sentence.tenant_id AND passage.id = sentence.passage_id
    WHERE sentence.tenant_id = %(tenant)s AND sentence.passage_id = ANY(%(passages)s)
), counted AS (
    SELECT id, lexeme, array_agg(place ORDER BY place) AS places
    FROM said, unnest(words) AS word, unnest(word.positions)
    GROUP BY id, lexeme
)
INSERT INTO knowledge_term (id, tenant_id, knowledge_id, passage_id, language, lexeme, places, length)
SELECT gen_random_uuid(), tenant_id, knowledge_id, passage.id, language, lexeme, places, length
FROM counted JOIN knowledge_passage passage USING (id)
WHERE tenant_id = %(tenant)s
"""
