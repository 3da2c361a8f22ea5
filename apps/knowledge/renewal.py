"""New vectors for all of a tenant's passages, after the operator has chosen another embedder.

They are made a batch at a time, of copies on a shelf of each source where no search looks. When all are there, one transaction
gives them to the passages, which stay what they were else: so citations go on to resolve."""

import logging
from collections.abc import Sequence
from uuid import UUID, uuid5

from django.db import connections, transaction
from django.db.models import QuerySet

from apps.agents.providers.base import ProviderError
from apps.knowledge import index, vectors
from apps.knowledge.models import Knowledge, Passage, Sentence
from apps.tenants import scope

logger = logging.getLogger(__name__)
BATCH = 16


def is_due() -> bool:
    """Whether some vectors are of another model than the one that is wanted, or copies of an earlier wish are left."""
    return _outdated().exists() or _copies().exists()


def step() -> bool:
    """Make one batch of vectors or, where all are there, switch to them; whether there may be more to do now."""
    if not is_due():
        return False
    batch = _missing()
    if not batch:
        return not switch()
    try:
        _copy(batch)
    except (ProviderError, vectors.Unfit) as error:
        logger.warning("Vectors are not renewed for now: %s", error)
        return False
    return True


def switch() -> bool:
    """Answer with the new vectors from now on; False where some are missing."""
    with transaction.atomic(using=Passage.database):
        vectors.lock()
        ids = list(_outdated().values_list("id", flat=True))
        new = [_copy_id(one) for one in ids]
        if Passage.objects.filter(id__in=new).count() != len(ids):
            return False
        said = Sentence.objects.filter(passage__in=ids)
        said._raw_delete(said.db)
        with connections[Passage.database].cursor() as cursor:
            for statement in (_SENTENCES, _PASSAGES):
                cursor.execute(statement, {"tenant": scope.current(), "old": ids, "new": new})
        index.remove(_copies())
    return True


def _outdated() -> QuerySet[Passage]:
    answering = list(Knowledge.objects.values_list("id", flat=True))
    return Passage.objects.filter(knowledge_id__in=answering).exclude(embedder=vectors.wanted())


def _copies() -> QuerySet[Passage]:
    return Passage.objects.filter(knowledge_id__in=[one.renewal_id for one in Knowledge.objects.only("id")])


def _missing() -> list[Passage]:
    """Some of those of which there is no copy yet."""
    there = set(_copies().values_list("id", flat=True))
    ids = _outdated().order_by("knowledge_id", "position").values_list("id", flat=True)
    left = [one for one in ids if _copy_id(one) not in there]
    return list(Passage.objects.filter(id__in=left[:BATCH]))


def _copy(passages: Sequence[Passage]) -> None:
    for one in passages:
        one.id, one.knowledge_id = _copy_id(one.id), Knowledge(id=one.knowledge_id).renewal_id
    entries = list(index.embedded(passages, vectors.embedder(vectors.wanted())))
    with transaction.atomic(using=Passage.database):
        Passage.objects.bulk_create([entry.passage for entry in entries])
        Sentence.objects.bulk_create([one for entry in entries for one in entry.sentences], batch_size=200)


def _copy_id(passage_id: UUID) -> UUID:
    """By the model too: what was copied for another wish is no copy for this one."""
    return uuid5(passage_id, vectors.wanted())


_SENTENCES = """
UPDATE knowledge_sentence SET passage_id = pair.old
FROM unnest(%(old)s::uuid[], %(new)s::uuid[]) AS pair (old, new)
WHERE tenant_id = %(tenant)s AND passage_id = pair.new
"""
_PASSAGES = """
UPDATE knowledge_passage passage SET embedding = made.embedding, embedder = made.embedder
FROM unnest(%(old)s::uuid[], %(new)s::uuid[]) AS pair (old, new)
JOIN knowledge_passage made ON made.id = pair.new
WHERE passage.tenant_id = %(tenant)s AND made.tenant_id = %(tenant)s AND passage.id = pair.old
"""
