"""Every Celery task, with something to do: run as one tenant with the other's ids, without any tenant, and by its owner, for whom the
identical run has to do it."""

import inspect
from collections.abc import Iterator
from typing import Any

from celery import Task, current_app

from apps.tenants import scope
from apps.tenants.tasks import HEADER, TenantTask
from chatwithus.isolation import jobs, walls, witness
from chatwithus.isolation.canary import Canary
from chatwithus.isolation.recipes import guess, names
from chatwithus.isolation.tally import Tally

OURS = ("apps.", "chatwithus.")
# Not run: what they are, and why.
NOT_RUN = {
    "chatwithus.tasks.prove_isolation": "is the proof itself",
    "apps.tenants.tasks.forget_sessions": "takes away sessions that ended, which are people's and no tenant's",
}


def tasks() -> list[Task[Any, Any]]:
    current_app.loader.import_default_modules()
    return [task for name, task in sorted(current_app.tasks.items()) if name.startswith(OURS)]


class Work:
    """`own` runs what is `other`'s, then `other` does."""

    def __init__(self, own: Canary, other: Canary, tally: Tally) -> None:
        self._own, self._other, self._tally = own, other, tally
        self._sent: list[str] = []

    def try_all(self, found: list[Task[Any, Any]]) -> None:
        with walls.nothing_enqueued() as self._sent:
            for task in found:
                self._tally.tasks.add(str(task.name))
                unknown = [name for name in _parameters(task) if self._id(name) is None]
                if unknown:
                    self._tally.miss(f"task {task.name}", f"no value is known for its {', '.join(unknown)}")
                elif task.name not in NOT_RUN:
                    self._try(task)

    def _try(self, task: Task[Any, Any]) -> None:
        jobs.prepare(str(task.name), self._other)
        if isinstance(task, TenantTask):
            before = witness.fingerprint(self._other)
            self._judge(task, *self._run(task, self._own))
            if not isinstance(self._run(task, None)[1], scope.NoTenant):
                self._tally.leak(f"task {task.name}: runs without a tenant")
            witness.compare(before, witness.fingerprint(self._other), self._other, self._tally)
        self._control(task)
        self._other.renew()

    def _control(self, task: Task[Any, Any]) -> None:
        """A task of no tenant does its work by giving each tenant some."""
        before = self._seen()
        result, error = self._run(task, self._other if isinstance(task, TenantTask) else None)
        if not isinstance(task, TenantTask):
            self._judge(task, result, error)
        if error is not None:
            self._tally.miss(f"task {task.name}", f"fails for its owner: {error!r}")
        elif before == self._seen():
            self._tally.miss(f"task {task.name}", "does nothing for its owner: give it a job in jobs.py")

    def _seen(self) -> dict[str, Any]:
        """What is the other's, and what waits for workers on its behalf."""
        waiting = self._sent.count(str(self._other.tenant.id))
        return witness.fingerprint(self._other) | {"the queue": waiting}

    def _run(self, task: Task[Any, Any], who: Canary | None) -> tuple[Any, BaseException | None]:
        """What it returned, or what it raised."""
        self._tally.probes += 1
        given = {name: self._id(name) for name in _parameters(task)}
        headers = {HEADER: str(who.tenant.id)} if who else {}
        done = task.apply(kwargs=given, headers=headers, throw=False)
        result = done.result
        return (None, result) if isinstance(result, BaseException) else (result, None)

    def _judge(self, task: Task[Any, Any], result: Any, error: BaseException | None) -> None:
        if any(mark in repr((result, error)) for mark in self._other.marks("session")):
            self._tally.leak(f"task {task.name}: tells what is {self._other.tenant.slug}'s")

    def _id(self, name: str) -> str | None:
        model = guess(name, names())
        found = self._other.rows.get(model) if model else None
        return str(found.pk) if found is not None else None


def _parameters(task: Task[Any, Any]) -> Iterator[str]:
    yield from inspect.signature(task.run).parameters
