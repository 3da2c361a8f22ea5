"""Hourly counts, always recomputed from the rows: delivering a task twice cannot count anything twice."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q

from apps.analysis import latency
from apps.analysis.models import Rollup, SentimentAnalysis
from apps.chats.models import Chat, ContentChat


def hour_of(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


@transaction.atomic
def refresh(instant: datetime) -> None:
    """Recount the hour this instant lies in."""
    hour = hour_of(instant)
    Rollup.objects.get_or_create(hour=hour)
    # Two workers may count the same hour: the second waits here and then sees what the first one saw, and more.
    locked = Rollup.objects.select_for_update().get(hour=hour)
    Rollup.objects.filter(id=locked.id).update(**_counts(hour, hour + timedelta(hours=1)))


def _counts(start: datetime, end: datetime) -> dict[str, object]:
    exchanges = ContentChat.objects.filter(created_at__gte=start, created_at__lt=end).exclude(request="")
    analyses = SentimentAnalysis.objects.filter(exchange__created_at__gte=start, exchange__created_at__lt=end)
    waits = exchanges.exclude(first_token_ms=None).values_list("first_token_ms", flat=True)
    return {
        "chats": Chat.objects.filter(created_at__gte=start, created_at__lt=end).count(),
        "exchanges": exchanges.count(),
        "first_tokens": latency.histogram(wait for wait in waits if wait is not None),
        **analyses.aggregate(
            **{name: Count("id", filter=Q(sentiment=name)) for name in SentimentAnalysis.Sentiment.values}
        ),
    }
