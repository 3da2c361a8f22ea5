"""Every Celery task, run as one tenant with the other's ids, and without any tenant at all."""

import inspect
from collections.abc import Iterator
from typing import Any

from celery import Task, current_app

from apps.tenants import scope
from apps.tenants.tasks import TenantTask
from chatwithus.isolation.canary import Canary
from chatwithus.isolation.recipes import guess, names
from chatwithus.isolation.tally import Tally

HEADER = "cwu_tenant"
OURS = ("apps.", "chatwithus.")
# Not run: what they are, and why.
NOT_RUN = {"chatwithus.tasks.prove_isolation": "is the proof itself"}


def tasks() -> list[Task[Any, Any]]:
    current_app.loader.import_default_modules()
    return [task for name, task in sorted(current_app.tasks.items()) if name.startswith(OURS)]


class Work:
    """`own` runs what is `other`'s."""

    def __init__(self, own: Canary, other: Canary, tally: Tally) -> None:
        self._own, self._other, self._tally = own, other, tally

    def control(self, found: list[Task[Any, Any]]) -> None:
        """Each as its owner has it run."""
        for task in found:
            self._tally.tasks.add(str(task.name))
            if task.name in NOT_RUN:
                continue
            unknown = [name for name in _parameters(task) if self._id(self._other, name) is None]
            if unknown:
                self._tally.miss(f"task {task.name}", f"no value is known for its {', '.join(unknown)}")
            elif isinstance(task, TenantTask) and (error := self._run(task, self._other, self._other)[1]):
                self._tally.miss(f"task {task.name}", f"fails for its owner: {error!r}")

    def try_all(self, found: list[Task[Any, Any]]) -> None:
        for task in found:
            if task.name in NOT_RUN:
                continue
            if not isinstance(task, TenantTask):
                self._judge(task, *self._run(task, None, self._other))
                continue
            for rows in self._other.sets[-2:]:
                self._judge(task, *self._run(task, self._own, self._other, rows))
            if not isinstance(self._run(task, None, self._other)[1], scope.NoTenant):
                self._tally.leak(f"task {task.name}: runs without a tenant")

    def _run(
        self, task: Task[Any, Any], who: Canary | None, whose: Canary, rows: Any = None
    ) -> tuple[Any, BaseException | None]:
        """What it returned, or what it raised."""
        self._tally.probes += 1
        given = {name: self._id(whose, name, rows) for name in _parameters(task)}
        headers = {HEADER: str(who.tenant.id)} if who else {}
        done = task.apply(kwargs=given, headers=headers, throw=False)
        result = done.result
        return (None, result) if isinstance(result, BaseException) else (result, None)

    def _judge(self, task: Task[Any, Any], result: Any, error: BaseException | None) -> None:
        if any(mark in repr((result, error)) for mark in self._other.marks("session")):
            self._tally.leak(f"task {task.name}: tells what is {self._other.tenant.slug}'s")

    def _id(self, canary: Canary, name: str, rows: Any = None) -> str | None:
        model = guess(name, names())
        found = (rows or canary.rows).get(model) if model else None
        return str(found.pk) if found is not None else None


def _parameters(task: Task[Any, Any]) -> Iterator[str]:
    yield from inspect.signature(task.run).parameters
