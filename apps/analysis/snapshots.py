"""The small whole picture a dashboard shows; its cost does not grow with history."""

from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from apps.analysis import latency
from apps.analysis.models import Groundedness, Rollup, SentimentAnalysis
from apps.chats.models import Chat, ContentChat

_LATEST = 12
_COUNTS = ("chats", "exchanges", "positive", "neutral", "negative")


def take() -> dict[str, Any]:
    """Today (UTC) so far, and the latest chats: plain JSON values, as the wire and the page want them."""
    now = timezone.now()
    return {"at": _json(now), "today": _today(now), "latest": [_row(chat) for chat in _latest()]}


def _today(now: datetime) -> dict[str, Any]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    hours = list(Rollup.objects.filter(hour__gte=midnight))
    waits = [hour.first_tokens for hour in hours if hour.first_tokens]
    counts: dict[str, Any] = {name: sum(getattr(hour, name) for hour in hours) for name in _COUNTS}
    return counts | {"first_token_p50_ms": latency.percentile(latency.added(waits), 0.5)}


def _latest() -> list[Any]:
    newest = ContentChat.objects.filter(chat=OuterRef("id")).exclude(request="").order_by("-number")
    stood = Groundedness.objects.filter(exchange__chat=OuterRef("id")).order_by("-exchange__number")
    felt = SentimentAnalysis.objects.filter(exchange__chat=OuterRef("id")).order_by("-exchange__number")
    return list(
        Chat.objects.select_related("agent")
        .annotate(
            preview=Subquery(newest.values("request")[:1]),
            sentiment=Subquery(felt.values("sentiment")[:1]),
            cause=Subquery(felt.values("cause")[:1]),
            grounded=Subquery(stood.values("verdict")[:1]),
        )
        .order_by("-last_at")[:_LATEST]
    )


def _row(chat: Any) -> dict[str, Any]:
    return {
        "chat": str(chat.id),
        "agent": chat.agent.name,
        "started_at": _json(chat.created_at),
        "last_at": _json(chat.last_at),
        "exchanges": chat.last_exchange,
        "sentiment": chat.sentiment,
        "cause": chat.cause,
        "grounded": chat.grounded,
        "preview": (chat.preview or "")[:140],
    }


def _json(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
