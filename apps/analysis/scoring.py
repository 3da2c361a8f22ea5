"""Judging an exchange and letting everyone see it."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from apps.analysis import groundedness, live, rollups, sentiment
from apps.analysis.models import SentimentAnalysis
from apps.chats.models import ContentChat


def score(exchange_id: UUID) -> None:
    """Judge the request and the answer once each, recount the hour, tell the dashboards. Repeating it changes nothing."""
    exchange = ContentChat.objects.filter(id=exchange_id).first()
    if exchange is None or exchange.is_from_staff:
        return
    verdict = sentiment.judge(exchange.request)
    SentimentAnalysis.objects.get_or_create(
        exchange=exchange,
        defaults={"sentiment": verdict.sentiment, "score": verdict.score, "cause": verdict.cause[:300]},
    )
    groundedness.judge(exchange)
    rollups.refresh(exchange.created_at)
    live.publish()


def unscored(*, since: datetime, before: datetime) -> list[UUID]:
    """Exchanges whose task was lost, oldest first."""
    unjudged = Q(state=ContentChat.State.COMPLETED, staff=None, groundings=None) & ~Q(response="")
    missed = ContentChat.objects.filter(created_at__gte=since, created_at__lt=before).exclude(request="")
    missed = missed.filter(Q(analyses=None) | unjudged)
    return list(missed.order_by("created_at").values_list("id", flat=True)[:500])
