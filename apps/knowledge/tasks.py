"""Celery's way in: reading sources, and finding those whose task was lost."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from apps.knowledge import index, ingestion
from apps.knowledge.models import Passage
from apps.tenants.tasks import TenantTask, for_each_tenant

_PATIENCE = timedelta(seconds=30)


@shared_task(base=TenantTask)
def read_in(*, knowledge_id: str) -> None:
    ingestion.read_in(UUID(knowledge_id))


@shared_task(base=TenantTask)
def sweep_tenant() -> None:
    now = timezone.now()
    stuck = now - timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT)
    for knowledge_id in ingestion.resume(waiting_since=now - _PATIENCE, working_since=stuck):
        read_in.delay(knowledge_id=str(knowledge_id))
    ingestion.forget_removed()
    if Passage.objects.filter(language="").exists():
        complete_index.delay()


@shared_task(base=TenantTask)
def complete_index() -> None:
    """Index what was written before there was an index, a few passages at a time; the sweep calls again."""
    index.complete()


@shared_task
def sweep() -> None:
    """Over all tenants: only their ids are read here, the work is one scoped task each."""
    for_each_tenant(sweep_tenant)
