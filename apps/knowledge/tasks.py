"""Celery's way in: reading what waits, a turn at a time, and finding what was lost."""

from datetime import timedelta
from functools import partial
from uuid import UUID

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from apps.knowledge import index, ingestion, reconciliation, turns
from apps.knowledge.models import Passage
from apps.tenants import scope
from apps.tenants.tasks import TenantTask, for_each_tenant

_SILENCE = timedelta(
    seconds=60
)  # after which a worker that reads is taken for dead; its pulse goes on in any case


@shared_task(base=TenantTask)
def read_on() -> None:
    """A turn at what this tenant has waiting, and back into the queue where that was not all."""
    turn = turns.Turn()
    try:
        is_more = ingestion.read_next(turn)
    finally:
        turn.end()
    if is_more:
        call_reader()


def call_reader() -> None:
    """Have what waits be read, after COMMIT. One call for each tenant is in the queue, however much waits."""
    transaction.on_commit(partial(_send, scope.current()), robust=True)


def _send(tenant_id: UUID) -> None:
    with scope.scoped_to(tenant_id):
        if turns.take_ticket():
            read_on.delay()


@shared_task(base=TenantTask)
def sweep_tenant() -> None:
    now = timezone.now()
    reconciliation.forget_removed()
    reconciliation.recover_lost()
    ingestion.begin_due(now)
    if ingestion.resume(working_since=now - _SILENCE):
        call_reader()
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
