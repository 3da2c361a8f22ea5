"""Celery's way in: forgetting idempotency keys after a day."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from apps.api import idempotency
from apps.tenants.tasks import TenantTask, for_each_tenant

KEPT = timedelta(hours=24)


@shared_task(base=TenantTask)
def sweep_tenant() -> None:
    idempotency.forget(before=timezone.now() - KEPT)


@shared_task
def sweep() -> None:
    """Over all tenants: only their ids are read here, the work is one scoped task each."""
    for_each_tenant(sweep_tenant)
