"""Celery's way in: scoring exchanges, and finding those whose task was lost."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from apps.analysis import scoring
from apps.tenants.tasks import TenantTask, for_each_tenant

_PATIENCE = timedelta(seconds=15)
_LOOKBACK = timedelta(days=7)


@shared_task(base=TenantTask)
def score_exchange(*, exchange_id: str) -> None:
    scoring.score(UUID(exchange_id))


@shared_task(base=TenantTask)
def sweep_tenant() -> None:
    now = timezone.now()
    for exchange_id in scoring.unscored(since=now - _LOOKBACK, before=now - _PATIENCE):
        score_exchange.delay(exchange_id=str(exchange_id))


@shared_task
def sweep() -> None:
    """Over all tenants: only their ids are read here, the work is one scoped task each."""
    for_each_tenant(sweep_tenant)
