"""What is set aside in the proving process, and in no other: the Python wall for the second pass; limits, which would answer
429 where a leak might be; and the queue, while tasks are tried, since workers would do what only the proof is to do."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Task
from django.db import models
from django.db.backends.utils import CursorWrapper
from django.test.utils import override_settings

from apps.tenants import caps, limits, owned
from apps.tenants.owned import TenantManager
from apps.tenants.tasks import HEADER

# The Python wall: what managers ask for, what saving checks, and what statements that are written by hand ask for.
_WALL: tuple[tuple[Any, str], ...] = (
    (TenantManager, "get_queryset"),
    (owned, "require_own"),
    (CursorWrapper, "_execute_with_wrappers"),
)
_ASKED_FOR = re.compile(r"(\w+\.)?tenant_id = %\(tenant\)s")


@contextmanager
def python_wall_down() -> Iterator[None]:
    """Managers filter nothing, saving checks nothing, and statements ask for no tenant's rows: PostgreSQL alone must hold."""
    *_, before = _standing()

    def execute(cursor: Any, sql: Any, *rest: Any, **named: Any) -> Any:
        return before(cursor, _ASKED_FOR.sub("true", sql) if isinstance(sql, str) else sql, *rest, **named)

    with _in_its_place(_everything, _anything, execute):
        yield


class Noticed:
    """How often the Python wall stood in somebody's way so far."""

    def __init__(self) -> None:
        self.times = 0


@contextmanager
def python_wall_noticed() -> Iterator[Noticed]:
    """A call that never meets the wall is answered without it as with it."""
    noticed = Noticed()
    query, require, before = _standing()

    def get_queryset(manager: Any) -> Any:
        noticed.times += 1
        return query(manager)

    def require_own(row: Any) -> None:
        noticed.times += 1
        require(row)

    def execute(cursor: Any, sql: Any, *rest: Any, **named: Any) -> Any:
        noticed.times += bool(isinstance(sql, str) and _ASKED_FOR.search(sql))
        return before(cursor, sql, *rest, **named)

    with _in_its_place(get_queryset, require_own, execute):
        yield noticed


@contextmanager
def _in_its_place(*stand_ins: Any) -> Iterator[None]:
    before = _standing()
    _stand(stand_ins)
    try:
        yield
    finally:
        _stand(before)


def _standing() -> tuple[Any, ...]:
    """The wall, or what stands in its place already."""
    return tuple(getattr(holder, name) for holder, name in _WALL)


def _stand(those: tuple[Any, ...]) -> None:
    for (holder, name), one in zip(_WALL, those, strict=True):
        setattr(holder, name, one)


def _everything(manager: Any) -> Any:
    return models.Manager.get_queryset(manager)


def _anything(row: Any) -> None: ...


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
