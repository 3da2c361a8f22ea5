"""Reading a source in: have it parsed and cut, embed them, and swap them for the old ones in one transaction."""

import logging
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.knowledge import contained, index
from apps.knowledge.models import Knowledge, Passage, Upload
from apps.knowledge.sniff import Unreadable

logger = logging.getLogger(__name__)
MAX_ATTEMPTS = 3


def read_in(knowledge_id: UUID) -> None:
    """Bring one waiting source to `ready` or `failed`. Safe to call twice: only one caller gets to begin."""
    source = Knowledge.objects.filter(id=knowledge_id).first()
    if source is None or not source.begin():
        return
    try:
        cut = contained.run("document", *_material(source))["passages"]
        entries = index.prepared(_rows(source, cut))
        written = Passage.objects.filter(knowledge_id=source.id)
        count = index.swap(entries, instead_of=written)
        if not source.finish(passages=count):
            index.remove(written)  # removed while it was being read
    except Unreadable as reason:
        source.fail(str(reason))
    except contained.Died:
        _put_back(source)
    except Exception:
        logger.exception("Reading in %s failed", knowledge_id)
        source.fail("Something went wrong on our side while reading this. Delete it and add it again.")


def _material(source: Knowledge) -> tuple[str, bytes]:
    upload = Upload.objects.filter(knowledge=source).first()
    return (upload.filename, bytes(upload.data)) if upload else ("pasted.md", source.content.encode())


def _rows(source: Knowledge, cut: list[dict[str, Any]]) -> list[Passage]:
    return [
        Passage(knowledge_id=source.id, position=position, title=source.name, **passage)
        for position, passage in enumerate(cut)
    ]


def _put_back(stuck: Knowledge) -> None:
    """Another attempt, unless it was the last: so that the queue goes on."""
    attempts = Knowledge.objects.values_list("attempts", flat=True).get(id=stuck.id)
    if attempts >= MAX_ATTEMPTS:
        stuck.fail("This could not be read: the reader stopped three times while working on it.")
    else:
        stuck.wait_again()


def resume(*, waiting_since: datetime, working_since: datetime) -> list[UUID]:
    """Sources that need a worker: still waiting since the one instant, or left working since the other by a worker that died.

    One that has killed its worker MAX_ATTEMPTS times is parked as failed, so that the queue goes on."""
    for stuck in Knowledge.objects.filter(status=Knowledge.Status.WORKING, updated_at__lt=working_since):
        _put_back(stuck)
    waiting = Knowledge.objects.filter(status=Knowledge.Status.WAITING)
    return list(waiting.filter(updated_at__lt=waiting_since).values_list("id", flat=True))


def forget_removed() -> int:
    """Delete passages whose source is gone, left behind where a process died between the two databases."""
    known = set(Passage.objects.values_list("knowledge_id", flat=True).distinct())
    kept = set(Knowledge.objects.filter(id__in=known).values_list("id", flat=True))
    return index.remove(Passage.objects.filter(knowledge_id__in=known - kept)) if known - kept else 0
