"""Where this process keeps the logs of the chats that somebody reads here or that are answered here.

A log is fed by the reply of this process at once, by the bell (which sends it to the database for what it lacks), and by the tail
of replies that run elsewhere. A ticker looks after what hints have missed."""

import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import DatabaseError, InterfaceError

from apps.chats import bell, recall, relay, resuming
from apps.chats.chatlog import ChatLog, TooSlow
from apps.chats.events import Position
from apps.chats.feed import Feed
from apps.chats.ledger import NoSuchChat
from apps.chats.models import Chat
from apps.chats.recall import Recalled
from apps.tenants import scope
from apps.tenants.hops import hop

__all__ = ["Feed", "TooSlow"]

logger = logging.getLogger(__name__)
TICK = 1.0
LOOK = 5.0  # a ring that got lost, with whoever should have rung, is made up for then
SHARE = 20  # and where looking at all chats takes long, it takes a twentieth of the time at most
QUIET = 2.0  # without a word from a reply that runs elsewhere, its process is asked after

Rescue = Callable[[UUID], Awaitable[None]]


async def _nobody(chat_id: UUID) -> None:
    """Until `replies` says who takes up abandoned replies."""


class Hub:
    """The logs of one event loop."""

    rescue: Rescue = staticmethod(_nobody)
    own_holder: Callable[[], UUID | None] = staticmethod(lambda: None)

    def __init__(self) -> None:
        self.logs: dict[tuple[UUID, UUID], ChatLog] = {}
        self._checked: dict[UUID, float] = {}
        self._wanted: dict[UUID, int] = {}
        self._catching_up: dict[UUID, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._feeds: set[Feed] = set()
        self._typing: dict[tuple[UUID, UUID], list[Callable[[dict[str, Any]], None]]] = {}
        self._ear = bell.ear()
        self._ear.listeners.append(self._rung)
        self._ear.on_missed.append(self._catch_up_all)
        self._background(self._tick())
        self._background(self._look_around())

    def log(self, chat_id: UUID) -> ChatLog:
        """The chat's log, made when it is first asked for."""
        name = (scope.current(), chat_id)
        if name not in self.logs:
            made = ChatLog(*name)
            made.on_gap = lambda seq: self.catch_up_soon(made, seq)
            self.logs[name] = made
        return self.logs[name]

    async def follow(self, chat_id: UUID, position: Position | None) -> Feed:
        """Read a chat on from a position, or its last exchanges and then what comes. Raises NoSuchChat."""
        with self.kept(chat_id) as log:
            return await self._follow(log, position)

    @contextmanager
    def kept(self, chat_id: UUID) -> Iterator[ChatLog]:
        """The chat's log, which stays while the database is asked, and hears of what is rung meanwhile."""
        log = self.log(chat_id)
        keep = lambda: None  # noqa: E731  (a reader)
        log.readers.add(keep)
        try:
            yield log
        finally:
            log.leave(keep)
            self.forget_if_idle(log)

    def has(self, log: ChatLog) -> bool:
        """Whether it is still the one that is told of its chat."""
        return self.logs.get(log.name) is log

    def heed(self, log: ChatLog) -> None:
        """Read what was rung while nothing was known of the chat."""
        if (log.last_seq or 0) < self._wanted.get(log.chat_id, 0):
            self.catch_up_soon(log)

    async def _follow(self, log: ChatLog, position: Position | None) -> Feed:
        start, before = log.end, log.latest
        found = await self._recall(log, position)
        if self._is_abandoned(log, found):
            await self.rescue(log.chat_id)
        while (
            found.seq < log.known_from
        ):  # it was read before what the log begins with, such as the last COMMIT of who was killed
            found = await self._recall(log, position)
        await self._bring_up(log, found)
        if position is not None:
            known = resuming.continued(log, found, position)
            if known is not None:
                return self._opened(
                    Feed(
                        log,
                        start=resuming.start_of(found, start, before, log.latest),
                        position=position,
                        **known,
                    )
                )
            found = await self._recall(log, None)
            await self._bring_up(log, found)
        return self._opened(
            resuming.anew(
                log, found, resuming.start_of(found, start, before, log.latest), recovered=position is None
            )
        )

    async def _recall(self, log: ChatLog, position: Position | None) -> Recalled:
        if position is None:
            return await hop(recall.whole)(log.chat_id)
        return await hop(recall.since)(log.chat_id, position.seq)

    async def _bring_up(self, log: ChatLog, found: Recalled) -> None:
        """Let the log know no less than the database told."""
        is_of_later = (
            log.last_seq == found.seq and log.latest is None
        )  # begun with something behind the reply's start
        if log.last_seq is None or is_of_later:
            log.begin(found.seq, found.running)
            await self._tail_if_elsewhere(log)
        self.heed(log)
        while log.last_seq is not None and log.last_seq < found.seq:
            await self.catch_up_soon(log)
            if log.is_gone:
                raise NoSuchChat("There is no such chat.")

    def attach(self, log: ChatLog, start: int, seq: int) -> Feed:
        """Read a log on from where it stood before a message of this process was told."""
        return self._opened(Feed(log, start=start, position=Position(seq), told=Position(seq)))

    def _opened(self, feed: Feed) -> Feed:
        self._feeds.add(feed)
        feed.on_close = self._closed
        return feed

    def _closed(self, feed: Feed) -> None:
        self._feeds.discard(feed)
        self.forget_if_idle(feed.log)

    def close_all(self) -> None:
        """End every feed: the process is about to go, and its readers come back elsewhere."""
        for feed in tuple(self._feeds):
            feed.close()

    def catch_up_soon(self, log: ChatLog, until: int = 0) -> "asyncio.Task[None]":
        """Read what the log lacks, once at a time, and again while something up to `until` was not there yet."""
        if not self.has(log):  # nobody has it any more
            return self._background(_nothing())
        self._wanted[log.chat_id] = max(until, self._wanted.get(log.chat_id, 0))
        task = self._catching_up.get(log.chat_id)
        if task is None or task.done():
            task = self._background(self._catch_up(log))
            self._catching_up[log.chat_id] = task
        return task

    async def _catch_up(self, log: ChatLog) -> None:
        has_all = False
        try:
            while not has_all and (not log.is_idle or log.last_seq is None):
                has_all = await self._caught_up(log) >= self._wanted.get(log.chat_id, 0)
        except NoSuchChat:
            self._forget(log)
            log.vanish()

    async def _caught_up(self, log: ChatLog) -> int:
        """Where the log stands after one more read; who waits for more reads again. What was rung before this read and is not there is
        nowhere: a ring may be of something that takes no `seq`."""
        wanted = self._wanted.get(log.chat_id, 0)
        try:
            found = await hop(_missed)(log.tenant_id, log.chat_id, log.last_seq or 0)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("A chat could not be caught up: %s", error)
            await asyncio.sleep(TICK)
            return log.last_seq or 0
        log.tell(resuming.as_told(log, found))
        await self._tail_if_elsewhere(log)
        if self._is_abandoned(log, found):
            await self._rescue(log)
        return max(found.seq, log.last_seq or 0, wanted)

    def _is_abandoned(self, log: ChatLog, found: Recalled) -> bool:
        """Its process died; or it is this one, which does not know of it: the answer of a COMMIT can get lost."""
        is_unknown = found.holder == self.own_holder() and log.speaker is None
        return found.is_abandoned or (found.holder is not None and is_unknown)

    async def _rescue(self, log: ChatLog) -> None:
        with scope.scoped_to(log.tenant_id):
            await self.rescue(log.chat_id)

    async def _tail_if_elsewhere(self, log: ChatLog) -> None:
        name = relay.key(log.tenant_id.hex, log.chat_id.hex)
        if not log.is_followed_elsewhere or log.latest is None:
            relay.tail().leave(name, log.hear)
        elif self.has(log):
            await relay.tail().follow(name, log.latest.epoch, log.hear)

    def _rung(self, rung: bell.Ring) -> None:
        log = self.logs.get((rung.tenant_id, rung.chat_id))
        if rung.typing is not None:
            for heard in self._typing.get((rung.tenant_id, rung.chat_id), ()):
                heard(rung.typing)
        elif log is not None and log.last_seq is None:  # it is just being read for the first time
            self._wanted[rung.chat_id] = max(rung.seq, self._wanted.get(rung.chat_id, 0))
        elif log is not None and not 0 < rung.seq <= (log.last_seq or 0):
            self.catch_up_soon(log, rung.seq)

    def hear_typing(self, chat_id: UUID, heard: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Call `heard` when somebody types in a chat; the function returned ends it."""
        name = (scope.current(), chat_id)
        self._typing.setdefault(name, []).append(heard)

        def end() -> None:
            self._typing[name].remove(heard)
            if not self._typing[name]:
                del self._typing[name]

        return end

    def _catch_up_all(self) -> None:
        for log in tuple(self.logs.values()):
            if log.last_seq is not None:
                self.catch_up_soon(log)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            for log in tuple(self.logs.values()):
                self.forget_if_idle(log)
                log.forget_what_ended()
                checked_at = self._checked.setdefault(log.chat_id, now)
                if log.is_followed_elsewhere and now - checked_at >= QUIET:
                    self._checked[log.chat_id] = now
                    self.catch_up_soon(log)

    async def _look_around(self) -> None:
        """Ask where the chats stand that are read here, each tenant's in one statement."""
        while True:
            began_at = time.monotonic()
            for tenant_id, chats in self._by_tenant().items():
                try:
                    self._compare(tenant_id, chats, await hop(_heads)(tenant_id, chats))
                except Exception as error:  # or nobody would look again
                    logger.warning("Nobody could say where %d chats stand: %s", len(chats), error)
            await asyncio.sleep(max(LOOK, SHARE * (time.monotonic() - began_at)))

    def _by_tenant(self) -> dict[UUID, list[UUID]]:
        found: dict[UUID, list[UUID]] = {}
        for tenant_id, chat_id in self.logs:
            found.setdefault(tenant_id, []).append(chat_id)
        return found

    def _compare(self, tenant_id: UUID, chats: list[UUID], heads: dict[UUID, int]) -> None:
        for chat_id in chats:
            log, seq = self.logs.get((tenant_id, chat_id)), heads.get(chat_id)
            if log is not None and log.last_seq is not None and (seq is None or seq > log.last_seq):
                self.catch_up_soon(log, seq or 0)

    def forget_if_idle(self, log: ChatLog) -> None:
        """Drop a log that nobody reads and nobody speaks into."""
        if log.is_idle:
            self._forget(log)

    def _forget(self, log: ChatLog) -> None:
        if self.has(log):
            del self.logs[log.name]
            self._checked.pop(log.chat_id, None)
            self._wanted.pop(log.chat_id, None)
            self._catching_up.pop(log.chat_id, None)
            relay.tail().leave(relay.key(log.tenant_id.hex, log.chat_id.hex), log.hear)

    def _background(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """In a context of its own: what runs for a chat belongs to no request."""
        task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _nothing() -> None: ...


def _heads(tenant_id: UUID, chats: list[UUID]) -> dict[UUID, int]:
    with scope.scoped_to(tenant_id):
        return dict(Chat.objects.filter(id__in=chats).values_list("id", "last_seq"))


def _missed(tenant_id: UUID, chat_id: UUID, seq: int) -> Recalled:
    with scope.scoped_to(tenant_id):
        return recall.since(chat_id, seq)


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def here() -> Hub:
    """The running loop's hub."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


async def follow(chat_id: UUID, position: Position | None = None) -> Feed:
    return await here().follow(chat_id, position)


def hear_typing(chat_id: UUID, heard: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
    return here().hear_typing(chat_id, heard)


def close_all() -> None:
    here().close_all()
