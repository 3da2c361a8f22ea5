"""Whose turn it is to be read: one ticket for each tenant stands in the queue, so that nobody waits behind another's thousand files.

A turn goes on for as long as nobody else waits. When somebody does, it ends within a second for a tenant that has been read a
lot lately, and within ten for one that has not, whose few documents are then done in one go."""

import time
from contextlib import suppress

from apps.tenants import scope, valkey

QUEUE = "reading"
SHORT, LONG, LONGEST = 1.0, 10.0, 240.0
LATELY = 60  # seconds for which what was used is remembered
LOST = 300  # seconds after which a ticket that nobody showed is taken for lost
HELD = 120  # the same while its turn lasts
_LOOK = 0.5


class Turn:
    """One tenant's time at the reader."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._looked = 0.0
        self._others = False
        self._credit = max(SHORT, LONG - _used())
        with suppress(*valkey.Unreachable):
            valkey.blocking().expire(_key("ticket"), HELD)

    def is_over(self) -> bool:
        spent = time.monotonic() - self._began
        return spent > LONGEST or (spent > self._credit and self.is_awaited())

    def yield_up(self) -> None:
        """Let it end as soon as somebody waits."""
        self._credit = 0.0

    def is_awaited(self) -> bool:
        """Whether somebody else waits for a turn; looked up now and then."""
        if time.monotonic() - self._looked > _LOOK:
            self._looked = time.monotonic()
            with suppress(*valkey.Unreachable):
                client = valkey.blocking()
                client.expire(_key("ticket"), HELD)
                self._others = int(client.llen(QUEUE)) > 0
        return self._others

    def end(self) -> None:
        """Remember what was used, and give the ticket back."""
        with suppress(*valkey.Unreachable):
            client = valkey.blocking()
            client.incrbyfloat(_key("used"), time.monotonic() - self._began)
            client.expire(_key("used"), LATELY)
            client.delete(_key("ticket"))


class Endless(Turn):
    """For whoever reads one source to its end."""

    def __init__(self) -> None:
        """Nothing is counted."""

    def is_over(self) -> bool:
        return False

    def is_awaited(self) -> bool:
        return False

    def end(self) -> None:
        """Nothing was counted."""


def take_ticket() -> bool:
    """Whether a task has to be sent: none of this tenant's is in the queue. Also where nobody can tell."""
    try:
        return bool(valkey.blocking().set(_key("ticket"), 1, nx=True, ex=LOST))
    except valkey.Unreachable:
        return True


def _used() -> float:
    try:
        return float(valkey.blocking().get(_key("used")) or 0)
    except valkey.Unreachable:
        return 0.0


def _key(what: str) -> str:
    return f"cwu:reading:{scope.current()}:{what}"
