"""Celery's way in: ending replies whose process died."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from apps.chats import conversations
from apps.tenants.tasks import TenantTask, for_each_tenant

LONGEST_REPLY = timedelta(minutes=5)


@shared_task(base=TenantTask)
def sweep_tenant() -> None:
    conversations.give_up(before=timezone.now() - LONGEST_REPLY)


@shared_task
def sweep() -> None:
    """Over all tenants: only their ids are read here, the work is one scoped task each."""
    for_each_tenant(sweep_tenant)
