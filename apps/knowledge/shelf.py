"""The shelf to look at: which sources there are, how far each of them is, and what was read of one, in pages."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count, QuerySet

from apps.knowledge.models import Document, Knowledge
from apps.tenants import pages


def sources() -> QuerySet[Knowledge]:
    return Knowledge.objects.prefetch_related("agents", "websites")


def counted(ids: Iterable[UUID]) -> dict[UUID, dict[str, int]]:
    """How many documents of each source have which status."""
    found: dict[UUID, dict[str, int]] = defaultdict(dict)
    rows = Document.objects.filter(knowledge__in=list(ids)).values_list("knowledge", "status")
    for source, status, count in rows.annotate(count=Count("id")):
        found[source][status] = count
    return found


def documents(
    source: Knowledge,
    *,
    status: str | None = None,
    changed: bool = False,
    cursor: str | None = None,
    limit: int = pages.FEW,
) -> tuple[list[Document], str | None]:
    """As they were found, or those that have `changed`, the latest change first; and the cursor of those that follow. Raises BadCursor."""
    found = Document.objects.filter(knowledge=source).defer("cut", "before", "links")
    if status:
        found = found.filter(status=status)
    if changed:
        latest = found.exclude(changed_at=None)
        return pages.cut(latest, by="changed_at", cursor=cursor, limit=limit)
    return pages.cut(found, by="number", rising=True, cursor=cursor, limit=limit)
