"""How much one tenant may have on its shelf."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.db.models.functions import Length

from apps.knowledge.models import Document, Knowledge, Upload
from apps.tenants import scope

MB = 1024 * 1024


class BadSource(ValueError):
    """What was offered cannot become a source; `field` says where, with dots between what lies in each other; the message says what to do."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class Unreplaceable(BadSource):
    """What is there has no text to replace, or none just now."""


@contextmanager
def kept(*, added: int = 0, instead_of: Knowledge | None = None) -> Iterator[None]:
    """A transaction in which one more source of so many bytes, or another text of one, is put on the shelf, if it fits. This tenant's uploads come one after the
    other here, since of two that fit alone both may not. Raises BadSource."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"shelf {scope.current()}"]
            )
        _check(added, instead_of)
        yield


def _check(added: int, instead_of: Knowledge | None) -> None:
    if instead_of is None and Knowledge.objects.count() >= settings.MAX_SOURCES:
        raise BadSource(
            "content",
            f"Your organisation has {settings.MAX_SOURCES:,} sources, which is all that fit. Delete some first.",
        )
    freed = used_bytes(instead_of) if instead_of else 0
    if used_bytes() - freed + added > settings.MAX_KNOWLEDGE_MB * MB:
        raise BadSource("content", full())


def full() -> str:
    return f"Your organisation's {settings.MAX_KNOWLEDGE_MB:,} MB for documents are full. Delete some first."


def room() -> int:
    """How many bytes this tenant may still keep; less than nothing where a website has grown."""
    return int(settings.MAX_KNOWLEDGE_MB * MB - used_bytes())


def used_bytes(source: Knowledge | None = None) -> int:
    """Of uploads, pasted texts and what was kept of pages; of all sources, or of one."""
    of_it = {"knowledge": source} if source else {}
    shelf = Knowledge.objects.filter(id=source.id) if source else Knowledge.objects.all()
    uploads = Upload.objects.filter(**of_it).aggregate(sum=Sum(Length("data")))["sum"] or 0
    pasted = shelf.aggregate(sum=Sum(Length("content")))["sum"] or 0
    pages = Document.objects.filter(**of_it).exclude(url="").aggregate(sum=Sum("size"))["sum"] or 0
    return int(uploads + pasted + pages)
