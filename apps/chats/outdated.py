"""Which past answers cited what a document says no more."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.chats.models import ContentChat
from apps.knowledge import changes
from apps.knowledge.models import Document

REMEMBERED = timedelta(days=90)
MOST = 20
_LOOKED_AT = 200


def answers(document: Document) -> list[tuple[ContentChat, str]]:
    """The latest, each with the quotation that does not hold any more; none of a document that never changed."""
    if document.changed_at is None:
        return []
    cited: dict[str, Any] = {"knowledge": str(document.knowledge_id)}
    if document.url:
        cited["url"] = document.url
    since = timezone.now() - REMEMBERED
    found = ContentChat.objects.filter(
        created_at__gte=since, created_at__lt=document.changed_at, citations__contains=[cited]
    )
    told = ((one, _broken(one, document, cited)) for one in found.order_by("-created_at")[:_LOOKED_AT])
    return [(one, quote) for one, quote in told if quote][:MOST]


def _broken(exchange: ContentChat, document: Document, cited: dict[str, Any]) -> str:
    quotes = (str(one.get("quote", "")) for one in exchange.citations if cited.items() <= one.items())
    return next((quote for quote in quotes if quote and not changes.says(document, quote)), "")
