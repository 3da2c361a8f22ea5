"""The whole proof: open two canaries, learn how each is answered, then let each be the other's stranger, once with both walls and
once with PostgreSQL's alone."""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Any

from django.db import connection

from apps.tenants.hops import hop
from chatwithus.isolation import addresses, canary, walls, witness, work
from chatwithus.isolation.canary import Canary
from chatwithus.isolation.conversing import Conversing, Listening
from chatwithus.isolation.scouting import Scout
from chatwithus.isolation.strangers import Stranger
from chatwithus.isolation.tables import Tables
from chatwithus.isolation.tally import Tally
from chatwithus.isolation.work import Work

DOORS = ("routes", "frames", "tasks", "tables", "cache")
SETS = 4  # of rows that strangers reach for
_LOCK = 0x63616E617279  # "canary"

Say = Callable[[str], None]


class UnderWay(RuntimeError):
    """Another proof runs, on the same two canaries."""


class Proof:
    """One run. `doors` and `matching` narrow it, for whoever looks for one fault."""

    def __init__(self, say: Say = print, *, doors: Collection[str] = DOORS, matching: str = "") -> None:
        from chatwithus.asgi import application

        self._application, self._say, self._doors = application, say, doors
        self._matching = matching
        self.tally = Tally()
        self._routes = (
            [one for one in addresses.routes() if matching in one.path] if "routes" in doors else []
        )
        self._sockets = addresses.sockets() if "frames" in doors else []
        self._tasks = [one for one in work.tasks() if matching in str(one.name)] if "tasks" in doors else []

    def run(self) -> Tally:
        """Raises UnderWay."""
        _lock()
        own, other = (canary.open_one(slug) for slug in canary.NAMES)
        try:
            with walls.no_limits(), _quietly():
                asyncio.run(self._prove(own, other))
        finally:
            for one in (own, other):
                canary.clear(one.tenant)
            _unlock()
        return self.tally

    async def _prove(self, own: Canary, other: Canary) -> None:
        for one in (own, other):
            await hop(one.start_afresh)(1)
        scout = Scout(self._application, other, self.tally)
        stranger = Stranger(self._application, own, other, scout, self.tally)
        await self._learn(own, other, scout)
        await self._pass(own, other, stranger)
        self.tally.has_both_walls = False
        with walls.python_wall_down():
            await self._pass(own, other, stranger)
            await self._owners(own, other)
            await scout.repeat()

    async def _learn(self, own: Canary, other: Canary, scout: Scout) -> None:
        """Every call as its owner makes it, while a stranger listens."""
        listening = Listening(self._application, own, other, self.tally)
        await listening.begin(self._sockets)
        await scout.explore(self._routes)
        await self._owners(own, other)
        await listening.end()
        if "cache" in self._doors:
            for found in await hop(lambda: list(witness.nameless(own, other)))():
                self.tally.probes += 1
                self.tally.leak(f"Valkey: {found}")
        self._say(f"{self.tally.probes} calls as their owner; closed to everybody: {len(self.tally.closed)}")

    async def _owners(self, own: Canary, other: Canary) -> None:
        """Frames and tables; routes are the scout's, and what tasks do for their owners is seen beside what they do for strangers."""
        await self._conversing(own, other).control(self._sockets)
        if "tables" in self._doors:
            await hop(self._tables(own, other).control)()

    async def _pass(self, own: Canary, other: Canary, stranger: Stranger) -> None:
        """Everything as a stranger does it, beside a tenant in which nothing else happens."""
        await self._work(own, other)
        await hop(own.start_afresh)(1)
        await hop(other.start_afresh)(SETS)
        await hop(witness.plant_streams)(other)
        before = await hop(witness.fingerprint)(other)
        await stranger.try_all(self._routes)
        await self._conversing(own, other).try_all(self._sockets)
        if "tables" in self._doors:
            await hop(self._tables(own, other).try_all)()
        witness.compare(before, await hop(witness.fingerprint)(other), other, self.tally)
        which, leaks = self.tally.so_far
        self._say(f"{which}: {self.tally.probes} probes, {len(leaks)} leaks")

    async def _work(self, own: Canary, other: Canary) -> None:
        """The tasks, while a stranger listens to what comes of them."""
        for one in (own, other):
            await hop(one.start_afresh)(1)
        listening = Listening(self._application, own, other, self.tally)
        await listening.begin(self._sockets)
        await hop(Work(own, other, self.tally).try_all)(self._tasks)
        await listening.end()

    def _conversing(self, own: Canary, other: Canary) -> Conversing:
        return Conversing(self._application, own, other, self.tally, matching=self._matching)

    def _tables(self, own: Canary, other: Canary) -> Tables:
        return Tables(own, other, self.tally, matching=self._matching)


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise UnderWay("Another proof is under way. Wait until it has ended.")


def _unlock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


class _quietly:  # noqa: N801  (used like a function)
    """Thousands of refusals are not worth a line each in the log."""

    def __enter__(self) -> None:
        logging.disable(logging.CRITICAL)

    def __exit__(self, *error: Any) -> None:
        logging.disable(logging.NOTSET)
