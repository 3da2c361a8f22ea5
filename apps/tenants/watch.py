"""Who is inside stays inside only while they may: every open socket and stream is asked about again when anything changed.

Each event loop polls one number (see AccessVersion) while anybody is inside. Once it has counted up, each distinct ticket is asked
about once, by the database. A push over Valkey only makes the next poll come sooner.

Where the database gives no answer for as long as a lease holds (LEASE_SECONDS), nobody can say any more who may stay: everybody is
parted from, and comes back when somebody can. By then this process has stopped its replies too (leases.py)."""

import asyncio
import contextvars
import logging
import random
import time
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import transaction

from apps.tenants import cache, valkey
from apps.tenants.access import Admitted, Ticket
from apps.tenants.hops import apart
from apps.tenants.models import AccessVersion

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
Ending = Callable[[], None]
CHANNEL = "cwu:access"
# Seconds from poll to poll: what is polled, asked and closed then is done within one.
EVERY, JITTER = 0.7, 0.1
SPREAD = 0.05  # seconds within which processes come after a push
_AT_ONCE = 50  # tickets that one thread asks about in a row


class Stay:
    """Somebody inside. One of two is called once: `on_end`, when they may not stay or have lost what they need, or `on_blind`, when
    nobody knows whether they may. `admitted` says who they are now."""

    __slots__ = ("_has_ended", "admitted", "needs", "on_blind", "on_end")

    def __init__(self, admitted: Admitted, on_end: Ending, needs: str | None, on_blind: Ending) -> None:
        self.admitted, self.on_end, self.needs, self.on_blind = admitted, on_end, needs, on_blind
        self._has_ended = False

    @property
    def is_over(self) -> bool:
        """Also from the moment on at which a visitor's token ended, before anybody has come to say so."""
        return self._has_ended or (
            self.admitted.role == "visitor" and _is_past(self.admitted.until, time.time())
        )

    def answered(self, now: Admitted | None) -> None:
        """What the door said: as whom they may stay, or None."""
        if now is None or (self.needs is not None and not now.may(self.needs)):
            self.end()
        elif now.role != "visitor":  # of visitors only the token says until when
            self.admitted = now

    def end(self) -> None:
        self._end(self.on_end)

    def part(self) -> None:
        self._end(self.on_blind)

    def _end(self, tell: Ending) -> None:
        if not self._has_ended:
            self._has_ended = True
            tell()


class Watch:
    """Everybody who is inside by way of one event loop."""

    def __init__(self) -> None:
        self._stays: dict[Ticket, set[Stay]] = {}
        self._asked: dict[Ticket, int] = {}  # the number at which each was last asked about
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._due = asyncio.Event()
        self._answered_at = 0.0

    def hold(
        self,
        admitted: Admitted,
        on_end: Ending,
        *,
        needs: str | None = None,
        on_blind: Ending | None = None,
    ) -> Stay:
        """From now on this one is asked about, beginning with the next poll: what changed since the door let them in is not missed."""
        stay = Stay(admitted, on_end, needs, on_blind or on_end)
        self._enter(stay)
        return stay

    def become(self, stay: Stay, admitted: Admitted) -> None:
        """The same socket, under another ticket."""
        self.leave(stay)
        stay.admitted = admitted
        self._enter(stay)

    def leave(self, stay: Stay) -> None:
        ticket = stay.admitted.ticket
        stays = self._stays.get(ticket) if ticket else None
        if ticket and stays:
            stays.discard(stay)
            if not stays:
                del self._stays[ticket]
                self._asked.pop(ticket, None)

    def _enter(self, stay: Stay) -> None:
        if stay.admitted.ticket is not None:
            self._stays.setdefault(stay.admitted.ticket, set()).add(stay)
            self._keep_up("poll", self._poll)
            self._keep_up("listen", self._listen)

    async def _poll(self) -> None:
        self._answered_at = time.monotonic()
        while self._stays:
            try:
                await self._look(await self._ask(version))
            except Exception as error:
                logger.warning("Who is inside could not be asked about: %s", repr(error))
            if self._patience <= 0:
                self._part()
            await self._pause()

    @property
    def _patience(self) -> float:
        """Seconds for which an answer may still be waited for."""
        return self._answered_at + settings.LEASE_SECONDS - time.monotonic()

    async def _ask(self, function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        async with asyncio.timeout(self._patience):
            found = await apart(function)(*arguments, **named)
        self._answered_at = time.monotonic()
        return found

    def _part(self) -> None:
        logger.error(
            "The database gave no answer for %s s: everybody has to come again.", settings.LEASE_SECONDS
        )
        for stays in tuple(self._stays.values()):
            for stay in tuple(stays):
                self.leave(stay)
                stay.part()
        self._answered_at = time.monotonic()  # whoever comes in now was let in by an answer

    async def _look(self, number: int) -> None:
        cache.learn(number)
        self._end_what_is_past()
        due = [ticket for ticket in self._stays if self._asked.get(ticket) != number]
        for start in range(0, len(due), _AT_ONCE):
            for ticket, now in await self._ask(_ask_all, due[start : start + _AT_ONCE]):
                self._answered(ticket, now, number)

    def _answered(self, ticket: Ticket, now: Admitted | None, number: int) -> None:
        if ticket in self._stays:
            self._asked[ticket] = number
        for stay in tuple(self._stays.get(ticket, ())):
            stay.answered(now)
            if stay.is_over:
                self.leave(stay)

    def _end_what_is_past(self) -> None:
        """A visitor's token ends for good; a session or a key may have been prolonged, so it is asked about."""
        now = time.time()
        for ticket, stays in tuple(self._stays.items()):
            for stay in tuple(stays):
                if _is_past(stay.admitted.until, now):
                    if stay.admitted.role == "visitor":
                        self.leave(stay)
                        stay.end()
                    else:
                        self._asked.pop(ticket, None)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(EVERY + random.uniform(-JITTER, JITTER)):
                await self._due.wait()
            await asyncio.sleep(random.uniform(0, SPREAD))
        except TimeoutError:
            pass
        self._due.clear()

    async def _listen(self) -> None:
        while self._stays and not valkey.is_cancelled():
            try:
                await self._hear()
            except valkey.Unreachable:
                await asyncio.sleep(EVERY)

    async def _hear(self) -> None:
        client = valkey.listener()
        async with client, client.pubsub() as pubsub:
            await pubsub.subscribe(CHANNEL)
            while self._stays and not valkey.is_cancelled():
                if await pubsub.get_message(ignore_subscribe_messages=True, timeout=EVERY) is not None:
                    self._due.set()

    def _keep_up(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Each ends by itself once nobody is inside. In a context of its own: it belongs to none of them."""
        task = self._tasks.get(name)
        if task is None or task.done():
            self._tasks[name] = asyncio.get_running_loop().create_task(work(), context=contextvars.Context())


def version() -> int:
    return AccessVersion.objects.values_list("number", flat=True).get()


def push_on_commit() -> None:
    """Somebody may have been shut out: let every process look at once. Without it, they do so within a second."""
    transaction.on_commit(_push, robust=True)


def _push() -> None:
    cache.attempt(partial(valkey.blocking().publish, CHANNEL, b""))


def _ask_all(tickets: Iterable[Ticket]) -> list[tuple[Ticket, Admitted | None]]:
    return [(ticket, ticket.again()) for ticket in tickets]


def _is_past(until: float | None, now: float) -> bool:
    return until is not None and now >= until


_watches: "WeakKeyDictionary[asyncio.AbstractEventLoop, Watch]" = WeakKeyDictionary()


def here() -> Watch:
    """The running loop's watch."""
    loop = asyncio.get_running_loop()
    if loop not in _watches:
        _watches[loop] = Watch()
    return _watches[loop]
