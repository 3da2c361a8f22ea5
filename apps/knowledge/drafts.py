"""From what documents say to what agents answer from.

New passages are embedded in small batches and written as a draft, where no search looks. When all are there, one transaction puts
them in the place of the old ones. What is there already, in the draft or in use, is not embedded again: so a reading that was
interrupted goes on where it was, and one that finds nothing new embeds nothing."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.db.models import Count, Q, QuerySet

from apps.knowledge import index, vectors
from apps.knowledge.models import Document, Knowledge, Passage, Seen, Term
from apps.knowledge.turns import Turn
from apps.tenants import scope

BATCH = 16
ROOM = 10_000  # positions of one document; its passages are neighbours, those of two documents are not
Key = tuple[str, int | None, str]


def answering(source: Knowledge) -> QuerySet[Document]:
    """The documents that agents answer from: also one whose last reading failed, with what an earlier one found."""
    usable = Q(status=Document.Status.READY) | Q(status=Document.Status.FAILED)
    return (
        Document.objects.filter(usable, knowledge=source)
        .exclude(cut=[])
        .defer("before", "links")
        .order_by("number")
    )


def write(source: Knowledge, turn: Turn) -> bool:
    """Go on with the draft; whether it is complete."""
    model = vectors.current()
    for document in _changed(source):
        for batch in _batches(_missing(source, document, model)):
            index.swap(index.prepared(batch), instead_of=Passage.objects.none())
            source.show_life()
            if turn.is_over():
                return False
    return True


def publish(source: Knowledge) -> int | None:
    """Let the draft take the place of what answers; how many passages do now. None, and nothing is done, where the draft is not
    complete: the tenant answers with vectors of another model since it was written.

    A reader that was taken for dead may go on beside the one that took its place: whatever both wrote is there once."""
    source.name = _name(source)
    documents = list(answering(source))
    changed = list(_changed(source))
    ours = Passage.objects.filter(knowledge_id=source.id)
    with transaction.atomic(using=Passage.database):
        vectors.lock()
        model = vectors.current()
        if any(_missing(source, document, model) for document in changed):
            return None
        index.remove(
            ours.exclude(document_id__in=[one.id for one in documents]) | ours.filter(document_id=None)
        )
        for document in changed:
            _put_in_place(source, document, model)
        drafted = Passage.objects.filter(knowledge_id=source.draft_id)
        index.remove(drafted.exclude(document_id__in=[one.id for one in changed]))
        for table in (Passage, Term):
            table.objects.filter(knowledge_id=source.draft_id).update(knowledge_id=source.id)
        _date(source, documents)
        counts = dict(ours.values_list("document_id").annotate(Count("id")))
    for document in changed:
        kept = {"answering": document.digest, "passages": counts.get(document.id, 0)}
        Document.objects.filter(id=document.id).update(**kept)
    return sum(counts.values())


def rename(source: Knowledge, name: str) -> None:
    """Of what has no title of its own, citations tell the source's from now on."""
    untitled = Document.objects.filter(knowledge=source, title="")
    with transaction.atomic(using=Passage.database):
        vectors.lock()
        Passage.objects.filter(document_id__in=list(untitled.values_list("id", flat=True))).update(title=name)


def progress(source: Knowledge) -> int:
    """How many passages of the next version are written."""
    return Passage.objects.filter(knowledge_id=source.draft_id).count()


def _name(source: Knowledge) -> str:
    """As it is now: a long reading began with another."""
    return Knowledge.objects.filter(id=source.id).values_list("name", flat=True).first() or source.name


def _changed(source: Knowledge) -> Iterator[Document]:
    for document in answering(source):
        if document.answering != document.digest:
            yield document


def _missing(source: Knowledge, document: Document, model: str) -> list[Passage]:
    written = Passage.objects.filter(
        document_id=document.id, knowledge_id__in=_shelves(source), embedder=model
    )
    known = set(written.values_list("heading", "page", "text"))
    title = (document.title or source.name)[:200]
    return [
        Passage(knowledge_id=source.draft_id, document_id=document.id, position=position, url=document.url, title=title, **one)
        for position, one in enumerate(document.cut, start=ROOM * document.number)
        if (one["heading"], one["page"], one["text"]) not in known
    ]  # fmt: skip


def _shelves(source: Knowledge) -> list[UUID]:
    """What answers and the draft, beside which there may be copies that `renewal` makes."""
    return [source.id, source.draft_id]


def _put_in_place(source: Knowledge, document: Document, model: str) -> None:
    """Of one document: what it says no more goes, as does what was written twice, and what stays moves to where it now stands."""
    places: dict[Key, int] = {
        (one["heading"], one["page"], one["text"]): position
        for position, one in enumerate(document.cut, start=ROOM * document.number)
    }
    written = Passage.objects.filter(document_id=document.id, knowledge_id__in=_shelves(source))
    ids: list[UUID] = []
    positions: list[int] = []
    for id_, heading, page, text in written.filter(embedder=model).values_list(
        "id", "heading", "page", "text"
    ):
        place = places.pop((heading, page, text), None)
        if place is not None:
            ids.append(id_)
            positions.append(place)
    index.remove(written.exclude(id__in=ids))
    _execute(_MOVE, ids=ids, positions=positions, title=(document.title or source.name)[:200])


def _date(source: Knowledge, documents: Sequence[Document]) -> None:
    Seen.objects.filter(knowledge_id=source.id).delete()
    sights = [
        Seen(knowledge_id=source.id, document_id=one.id, at=one.seen_at) for one in documents if one.seen_at
    ]
    Seen.objects.bulk_create(sights, batch_size=1000)


def _execute(sql: str, **parameters: Any) -> None:
    with connections[Passage.database].cursor() as cursor:
        cursor.execute(sql, {"tenant": scope.current()} | parameters)


def _batches(passages: Sequence[Passage]) -> Iterator[Sequence[Passage]]:
    for start in range(0, len(passages), BATCH):
        yield passages[start : start + BATCH]


_MOVE = """
UPDATE knowledge_passage SET position = place.position, title = %(title)s
FROM unnest(%(ids)s::uuid[], %(positions)s::int[]) AS place (id, position)
WHERE tenant_id = %(tenant)s AND knowledge_passage.id = place.id
"""
