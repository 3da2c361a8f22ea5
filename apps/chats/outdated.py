"""Which past answers cited what a document says no more."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.chats.models import ContentChat, Explanation
from apps.knowledge import changes
from apps.knowledge.models import Document, Passage

REMEMBERED = timedelta(days=90)
MOST = 20
_LOOKED_AT = 200
Told = list[dict[str, Any]]  # what an exchange's mind was given, by its number


def answers(document: Document) -> list[tuple[ContentChat, str]]:
    """The latest, each with the quotation that does not hold any more; none of a document that never changed."""
    if document.changed_at is None:
        return []
    cited: dict[str, Any] = {"knowledge": str(document.knowledge_id)}
    if document.url:
        cited["url"] = document.url
    since = timezone.now() - REMEMBERED
    citing = ContentChat.objects.filter(created_at__gte=since, citations__contains=[cited])
    found = list(citing.order_by("-created_at")[:_LOOKED_AT])
    told = _told(found)
    kept = {str(one) for one in Passage.objects.filter(document_id=document.id).values_list("id", flat=True)}
    broken = ((one, _broken(one, document, cited, told.get(one.id, []), kept)) for one in found)
    return [(one, quote) for one, quote in broken if quote][:MOST]


def _told(exchanges: Sequence[ContentChat]) -> dict[UUID, Told]:
    explained = Explanation.objects.filter(exchange__in=[one.id for one in exchanges])
    return dict(explained.values_list("exchange_id", "passages"))


def _broken(
    exchange: ContentChat, document: Document, cited: dict[str, Any], told: Told, kept: Collection[str]
) -> str:
    """Words that were quoted stand there or not; of an answer in words of its own all that is known is what it was given to read, and
    what changes there is another passage."""
    for one in exchange.citations:
        quote = str(one.get("quote", ""))
        if not quote or not cited.items() <= one.items():
            continue
        read = [id for passage in told if passage["number"] == one["number"] for id in passage["passages"]]
        is_quoted = quote in exchange.response or not read
        if not changes.says(document, quote) if is_quoted else not set(read) <= set(kept):
            return quote
    return ""
