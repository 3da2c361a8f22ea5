"""Who acts, beside the tenant in the air: entered by a door, read by the audit log."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple


class Actor(NamedTuple):
    """A `user`, `operator`, `key`, `visitor`, `command` or `system`; its id and name as they were when it acted."""

    kind: str
    id: str = ""
    name: str = ""


SYSTEM = Actor("system")
_actor: ContextVar[Actor] = ContextVar("actor", default=SYSTEM)


def of(user: Any) -> Actor:
    return Actor("user", str(user.pk), user.get_username())


def current() -> Actor:
    return _actor.get()


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Act as this one. For doors, tasks and commands; never around a `yield` of an async generator."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)
