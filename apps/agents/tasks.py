"""Celery's way in: counting what was reserved by replies that vanished."""

from celery import shared_task

from apps.agents import budgets
from apps.tenants.tasks import TenantTask, for_each_tenant


@shared_task(base=TenantTask)
def release_stale_tenant() -> None:
    budgets.release_stale()


@shared_task
def release_stale() -> None:
    for_each_tenant(release_stale_tenant)
