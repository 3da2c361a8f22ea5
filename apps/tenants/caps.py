"""How many connections somebody may hold at once: sockets and event streams, counted by the process that holds them.

So they hold whatever becomes of Valkey, and nothing stays counted of a process that died; several processes allow several times as
many, among which a balancer spreads them."""

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from prometheus_client import Gauge

from apps.tenants.limits import TooMany, refused

__all__ = ["TooMany"]

RETRY = 10.0  # seconds; nobody knows when a connection ends

_held: Counter[tuple[str, str]] = Counter()
_lock = threading.Lock()  # a stream may be closed by a thread
_open = Gauge(
    "cwu_connections_open",
    "Sockets and event streams that this process holds, by the cap that counts them",
    ["cap"],
)


@dataclass(frozen=True, slots=True)
class Cap:
    """So many at once of one kind; the setting LIMITS may say another number, or `off`."""

    name: str
    most: int

    @property
    def rule(self) -> int:
        found: int = settings.LIMITS.get(self.name, (self.most, 0))[0]
        return found


IP = Cap("connections-ip", 200)
VISITOR = Cap("connections-visitor", 10)
TENANT = Cap("connections-tenant", 5000)
PERSON = Cap("connections-person", 20)
KEY = Cap("connections-key", 200)

CAPS = {cap.name: cap for cap in (IP, VISITOR, TENANT, PERSON, KEY)}

Crowd = tuple[tuple[Cap, str | UUID], ...]
Release = Callable[[], None]


def hold(*asked: tuple[Cap, str | UUID]) -> Release:
    """Count one more connection for each of these, until what is returned is called. Raises TooMany, and counts none then."""
    keys = [(cap.name, str(whose)) for cap, whose in asked]
    with _lock:
        for (cap, _), key in zip(asked, keys, strict=True):
            if 0 < cap.rule <= _held[key]:
                refused.labels(cap.name).inc()
                raise TooMany(cap.name, RETRY)
        _held.update(keys)
    for name, _ in keys:
        _open.labels(name).inc()
    left = [keys]

    def release() -> None:
        with suppress(IndexError):  # once
            _let_go(left.pop())

    return release


def held(cap: Cap, whose: str | UUID) -> int:
    """How many there are in this process."""
    return _held[cap.name, str(whose)]


def _let_go(keys: list[tuple[str, str]]) -> None:
    with _lock:
        _held.subtract(keys)
        for key in keys:
            if _held[key] <= 0:
                del _held[key]
    for name, _ in keys:
        _open.labels(name).dec()
