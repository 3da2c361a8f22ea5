"""What is set aside in the proving process, and in no other: the Python wall for the second pass; limits, which would answer
429 where a leak might be; and the queue, while tasks are tried, since workers would do what only the proof is to do."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Task
from django.db import models
from django.test.utils import override_settings

from apps.tenants import caps, limits
from apps.tenants.owned import TenantManager, TenantOwned
from apps.tenants.tasks import HEADER


@contextmanager
def python_wall_down() -> Iterator[None]:
    """Managers filter nothing and saving checks nothing: PostgreSQL alone must hold."""
    wall = TenantManager.get_queryset, TenantOwned.save
    TenantManager.get_queryset = _everything  # type: ignore[method-assign, assignment]
    TenantOwned.save = models.Model.save  # type: ignore[method-assign]
    try:
        yield
    finally:
        TenantManager.get_queryset, TenantOwned.save = wall  # type: ignore[method-assign]


def _everything(manager: Any) -> Any:
    return models.Manager.get_queryset(manager)


class Noticed:
    """How often the Python wall stood in somebody's way so far."""

    def __init__(self) -> None:
        self.times = 0


@contextmanager
def python_wall_noticed() -> Iterator[Noticed]:
    """A call that never meets the wall is answered without it as with it."""
    noticed = Noticed()
    query, save = TenantManager.get_queryset, TenantOwned.save

    def get_queryset(manager: Any) -> Any:
        noticed.times += 1
        return query(manager)

    def saved(row: Any, *args: Any, **kwargs: Any) -> None:
        noticed.times += 1
        save(row, *args, **kwargs)

    TenantManager.get_queryset, TenantOwned.save = get_queryset, saved  # type: ignore[method-assign, assignment]
    try:
        yield noticed
    finally:
        TenantManager.get_queryset, TenantOwned.save = query, save  # type: ignore[method-assign]


@contextmanager
def nothing_enqueued() -> Iterator[list[str]]:
    """Gives the tenants for which something would have been, each as often."""
    enqueue = Task.apply_async
    sent: list[str] = []

    def apply_async(task: Any, *args: Any, headers: dict[str, Any] | None = None, **options: Any) -> None:
        sent.append(str((headers or {}).get(HEADER)))

    Task.apply_async = apply_async  # type: ignore[method-assign, assignment]
    try:
        yield sent
    finally:
        Task.apply_async = enqueue  # type: ignore[method-assign]


@contextmanager
def no_limits() -> Iterator[None]:
    """Also names a token for /metrics, so that somebody may read them and what they show can be looked at."""
    unlimited = dict.fromkeys([*limits.LIMITS, *caps.CAPS], (0, 0.0))
    with override_settings(LIMITS=unlimited, DAILY_TOKENS=0, METRICS_TOKEN=secrets.token_hex()):
        yield
