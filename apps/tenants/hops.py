"""The hop from the event loop to the ORM, on a few threads: somebody's slow statement holds up nobody else.

Channels' own `database_sync_to_async` shares one thread among all sockets and replies of a process, in which a statement that waits
a second for a lock makes every other visitor's message wait as long (measured: 1,002 ms)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

from channels.db import DatabaseSyncToAsync
from django.conf import settings

P = ParamSpec("P")
R = TypeVar("R")


def hop(function: Callable[P, R]) -> "DatabaseSyncToAsync[P, R]":
    """Call it as `await hop(function)(…)`. It runs in the caller's tenant scope, and gives its connection back when it ends."""
    return DatabaseSyncToAsync(function, thread_sensitive=False, executor=_threads())


def apart(function: Callable[P, R]) -> "DatabaseSyncToAsync[P, R]":
    """The same on a thread of its own, for whoever watches over the others: it waits behind none of them."""
    return DatabaseSyncToAsync(function, thread_sensitive=False, executor=_thread)


_thread = ThreadPoolExecutor(1, thread_name_prefix="apart")


@cache
def _threads() -> ThreadPoolExecutor:
    """Two fewer than there are connections, so that a lease is renewed, who is inside is asked about, and readiness answers, whatever
    the others wait for."""
    most = int(settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"])
    return ThreadPoolExecutor(max(1, most - 2), thread_name_prefix="hop")
