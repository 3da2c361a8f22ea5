"""Something to do for every task: a row made as old, or put back into the state, as the task looks for. A task that finds nothing and
does nothing says nothing about who may have it run."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from apps.agents.models import Reservation, Spending
from apps.analysis.models import SentimentAnalysis
from apps.api.models import IdempotencyKey
from apps.chats.models import Chat, ContentChat
from apps.knowledge.models import Knowledge, Passage
from apps.tenants.models import Tenant
from chatwithus.isolation.canary import Canary
from chatwithus.isolation.planting import Model, Rows

Job = Callable[[Rows], None]
LONG = timedelta(days=2)


def prepare(task: str, canary: Canary) -> None:
    """A fresh set of rows, with which this task has something to do."""
    rows = canary.another_set()
    with canary.scope():
        JOBS.get(task, _nothing)(rows)


def _nothing(rows: Rows) -> None:
    """The rows of a set are enough for most tasks."""


def _change(rows: Rows, model: Model, **fields: Any) -> None:
    model._default_manager.filter(pk=rows[model].pk).update(**fields)


def _unscored(rows: Rows) -> None:
    SentimentAnalysis.objects.filter(exchange=rows[ContentChat]).delete()
    _change(rows, ContentChat, created_at=timezone.now() - timedelta(hours=1))


def _abandoned(rows: Rows) -> None:
    """By a process that never was."""
    _change(rows, ContentChat, state="running", holder=uuid4(), response="", cuts=[])
    _change(rows, Chat, answering=rows[ContentChat].number)


def _silent(rows: Rows) -> None:
    _change(rows, Chat, last_at=timezone.now() - LONG, resolved_at=None, answering=0)


def _outlived(rows: Rows) -> None:
    _silent(rows)
    Tenant.objects.filter(id=rows[Chat].tenant_id).update(retention_days=1)


def _waiting(rows: Rows) -> None:
    _change(rows, Knowledge, status="waiting", updated_at=timezone.now() - LONG)


def _unindexed(rows: Rows) -> None:
    _change(rows, Passage, language="")


def _reserved(rows: Rows) -> None:
    """By a reply that vanished, and counted as reserved when it was asked for."""
    held = rows[Reservation]
    _change(rows, Spending, tokens_reserved=held.tokens, cost_reserved=held.cost)
    _change(rows, Reservation, created_at=timezone.now() - LONG)


def _old(model: Model) -> Job:
    return lambda rows: _change(rows, model, created_at=timezone.now() - LONG)


JOBS: dict[str, Job] = {
    "apps.agents.tasks.release_stale_tenant": _reserved,
    "apps.analysis.tasks.score_exchange": _unscored,
    "apps.analysis.tasks.sweep_tenant": _unscored,
    "apps.api.tasks.sweep_tenant": _old(IdempotencyKey),
    "apps.chats.tasks.delete_old_tenant": _outlived,
    "apps.chats.tasks.end_idle_tenant": _silent,
    "apps.chats.tasks.rescue": _abandoned,
    "apps.chats.tasks.rescue_tenant": _abandoned,
    "apps.knowledge.tasks.complete_index": _unindexed,
    "apps.knowledge.tasks.read_on": _waiting,
    "apps.knowledge.tasks.sweep_tenant": _waiting,
}
