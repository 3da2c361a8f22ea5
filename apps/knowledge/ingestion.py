"""Reading a source in: its documents are fetched and parsed, what they say is embedded as a draft, and the draft takes its place.

Every step is in the database when it is done, so that a reading goes on where its worker died or its turn ended."""

import logging
from datetime import datetime
from time import monotonic
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.agents.providers.base import ProviderError
from apps.knowledge import aside, contained, drafts, egress, reconciliation, renewal, sites, vectors, visit
from apps.knowledge.models import Document, Knowledge, Removed, Upload, Website
from apps.knowledge.pulse import Pulse
from apps.knowledge.sniff import Unreadable
from apps.knowledge.turns import Endless, Turn
from apps.knowledge.weburl import BadUrl

logger = logging.getLogger(__name__)
MAX_ATTEMPTS = 3
AWAY = ("unreachable", "timeout", "overloaded")
REFUSES = "The model that makes vectors of texts does not take this. Whoever runs this service can see why in its log."


def read_next(turn: Turn) -> bool:
    """Work on this tenant's waiting sources, the oldest first, then on vectors of a new model, until all is done or the turn is
    over; whether anything is left. Where the embedder is away, the sweep goes on later."""
    while True:
        source_id = _oldest()
        if source_id is not None:
            if not read_in(source_id, turn):
                return False
        elif not renewal.step():
            return False
        if turn.is_over():
            return is_awaited()


def is_awaited() -> bool:
    """Whether this tenant has something for a turn."""
    return _oldest() is not None or renewal.is_due()


def read_in(knowledge_id: UUID, turn: Turn | None = None) -> bool:
    """Go on with one waiting source, to `ready` or `failed` unless the turn ends before. Only one caller gets to begin. False where
    the embedder is away: the source waits on, and nothing of it is lost."""
    from apps.knowledge import (
        crawl,
        robots,
    )  # a web process imports this module to enqueue, and has no crawler

    source = Knowledge.objects.filter(id=knowledge_id).first()
    if source is None or not source.begin():
        return True
    said = (Unreadable, egress.Unreachable, egress.TooMuch, crawl.Unfit, robots.NotNow)
    try:
        with Pulse(source):
            _read(source, turn or Endless())
    except Removed:
        reconciliation.forget_removed()
    except (*said, BadUrl, sites.BadPattern, vectors.Unfit) as reason:
        _give_up(source, str(reason))
    except aside.Unfinished:
        source.give_way()
    except contained.Died:
        _put_back(source)
    except ProviderError as error:
        logger.warning("Reading in %s met an embedder that does not embed: %s", knowledge_id, error)
        if error.kind in AWAY:
            source.pause()
            return False
        _give_up(source, REFUSES)
    except Exception:
        if not Knowledge.objects.filter(id=knowledge_id).exists():
            reconciliation.forget_removed()  # removed while it was being read
            return True
        logger.exception("Reading in %s failed", knowledge_id)
        _give_up(
            source,
            "Something went wrong on our side while reading this. Try again, or delete it and add it anew.",
        )
    return True


def _read(source: Knowledge, turn: Turn) -> None:
    is_gathered = _crawl(source, turn) if source.is_website else _parse(source, turn)
    if not is_gathered or not drafts.write(source, turn):
        source.pause()
        return
    count = drafts.publish(source)
    if count is None:
        source.pause()
        return
    if not count:
        raise Unreadable(_why_nothing(source))
    if not source.finish(passages=count):
        reconciliation.forget_removed()  # removed while it was being read


def _crawl(source: Knowledge, turn: Turn) -> bool:
    from apps.knowledge.crawl import Crawl

    website = Website.objects.select_related("knowledge").get(knowledge=source)
    with egress.Client(largest=visit.LARGEST) as client:
        crawl = Crawl(source, website, client, turn)
        while crawl.is_to_do:
            if crawl.is_resting:
                return False
            crawl.step()
            source.show_life()
            if turn.is_over():
                return not crawl.is_to_do
    return True


def _parse(source: Knowledge, turn: Turn) -> bool:
    document, _ = Document.objects.get_or_create(knowledge=source, url="")
    if document.status == Document.Status.READY:
        return True
    name, content = _material(source)
    began = monotonic()
    try:
        found = aside.run(turn, "document", name, content, beat=source.show_life)
    except Unreadable as reason:
        document.become(Document.Status.FAILED, reason.reason, size=len(content))
        raise
    document.say(
        found["passages"],
        title="",  # it has its source's, whatever that is called by then
        size=len(content),
        milliseconds=int(1000 * (monotonic() - began)),
    )
    return True


def _material(source: Knowledge) -> tuple[str, bytes]:
    upload = Upload.objects.filter(knowledge=source).first()
    if upload:
        return upload.filename, bytes(upload.data)
    source.refresh_from_db(fields=["content"])  # it may have been replaced before we began
    return "pasted.md", source.content.encode()


def _give_up(source: Knowledge, reason: str) -> None:
    """A site that could not be read is tried again at its next time, not never."""
    source.fail(reason)
    for website in Website.objects.filter(knowledge=source, every_hours__gt=0):
        Website.objects.filter(id=website.id).update(due_at=website.due_after(timezone.now()))


def _why_nothing(source: Knowledge) -> str:
    first = Document.objects.filter(knowledge=source).exclude(failure="").order_by("number").first()
    return (
        f"Nothing could be read. {first.failure}" if first else "Nothing was found there that could be read."
    )


def _oldest() -> UUID | None:
    waiting = Knowledge.objects.filter(status=Knowledge.Status.WAITING).order_by("updated_at")
    waiting = waiting.exclude(websites__rests_until__gt=timezone.now())
    return waiting.values_list("id", flat=True).first()


def _put_back(stuck: Knowledge) -> None:
    """Another attempt, unless it was the last: so that the queue goes on."""
    attempts = Knowledge.objects.values_list("attempts", flat=True).get(id=stuck.id)
    if attempts >= MAX_ATTEMPTS:
        stuck.fail("This could not be read: the reader stopped three times while working on it.")
    else:
        stuck.wait_again()


def resume(*, working_since: datetime) -> bool:
    """Put back what was left working by a worker that has died since then; whether anything waits for a turn.

    One that has killed its worker MAX_ATTEMPTS times is parked as failed, so that the queue goes on."""
    for stuck in Knowledge.objects.filter(status=Knowledge.Status.WORKING, updated_at__lt=working_since):
        _put_back(stuck)
    return is_awaited()


def begin_due(now: datetime) -> None:
    """Have those websites read again whose time has come."""
    for website in Website.objects.filter(due_at__lte=now).select_related("knowledge"):
        with transaction.atomic():  # or a reader may begin before it knows that a round is due
            if website.knowledge.read_again():
                Website.objects.filter(id=website.id).update(is_due=True, due_at=None)
