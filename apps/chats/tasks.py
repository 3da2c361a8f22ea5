"""Celery's way in: answering what a dead process has left, ending chats in which nothing is said any more, and
deleting those that are too old to keep."""

import asyncio
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from apps.chats import conversations, handoff, replies, retention
from apps.chats.models import Process
from apps.tenants import lookup, scope
from apps.tenants.hops import hop
from apps.tenants.models import Tenant
from apps.tenants.tasks import TenantTask, for_each_tenant

KEPT = timedelta(hours=1)


@shared_task(base=TenantTask)
def rescue_tenant() -> None:
    asyncio.run(_rescue())


@shared_task(base=TenantTask)
def end_idle_tenant() -> None:
    tenant = Tenant.objects.get(id=scope.current())
    handoff.end_idle(idle=timedelta(minutes=tenant.idle_minutes))


@shared_task(base=TenantTask)
def delete_old_tenant() -> None:
    tenant = Tenant.objects.get(id=scope.current())
    if tenant.retention_days is not None:
        retention.delete_silent(timedelta(days=tenant.retention_days))


@shared_task
def rescue() -> None:
    """Over all tenants: only their ids are read here, the work is one scoped task each."""
    for tenant_id in lookup.tenants_with_abandoned_replies(sorted(conversations.alive())):
        with scope.scoped_to(tenant_id):
            rescue_tenant.delay()
    Process.objects.filter(leased_until__lt=timezone.now() - KEPT).delete()


@shared_task
def end_idle() -> None:
    for_each_tenant(end_idle_tenant)


@shared_task
def delete_old() -> None:
    for_each_tenant(delete_old_tenant)


async def _rescue() -> None:
    for chat_id in await hop(conversations.abandoned)():
        await replies.rescue(chat_id)
    await replies.settle()
