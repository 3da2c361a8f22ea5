"""Who answers in this process: the replies that run in one event loop, and the lease under which they do."""

import asyncio
import contextvars
import time
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import DatabaseError, InterfaceError

from apps.chats import bell, hub, measures, relay
from apps.chats.chatlog import ChatLog
from apps.chats.conversations import Claim, Finished
from apps.chats.leases import Lease, keep
from apps.chats.reply import Reply
from apps.knowledge.retrieval import Ahead
from apps.tenants import access, scope

T = TypeVar("T")
DOUBT = 1.0  # seconds after which the database is asked, and asked again


class Answering:
    """The replies that one event loop gives, and the lease under which it gives them."""

    def __init__(self) -> None:
        self.running: dict[UUID, Reply] = {}
        self.lease = Lease()
        self.lease.on_lapse = self.lose_all
        self.is_draining = False
        self.claiming: Counter[UUID] = Counter()
        self._doubtful: set[tuple[UUID, UUID]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def surely(self, chat_id: UUID, work: Coroutine[Any, Any, T]) -> T:
        """Run to its end even where the caller goes: what was claimed in the database is begun here, what was recorded told."""
        tenant_id, caller = scope.current(), access.current()

        async def scoped() -> T:
            self.claiming[chat_id] += 1
            try:
                with access.acting_for(caller), scope.scoped_to(tenant_id):
                    return await work
            except (DatabaseError, InterfaceError):
                self.look_after(tenant_id, chat_id)
                raise
            finally:
                self.claiming[chat_id] -= 1
                self.claiming += Counter()  # keeps what is above zero

        return await asyncio.shield(self.background(scoped()))

    def look_after(self, tenant_id: UUID, chat_id: UUID) -> None:
        """The answer of a COMMIT can get lost, and with it that this process was to reply: ask what became of it."""
        if (tenant_id, chat_id) not in self._doubtful and not self.is_draining:
            self._doubtful.add((tenant_id, chat_id))
            self.background(self._look_after(tenant_id, chat_id))

    async def _look_after(self, tenant_id: UUID, chat_id: UUID) -> None:
        try:
            while not self.is_draining:
                await asyncio.sleep(DOUBT)
                with suppress(DatabaseError, InterfaceError), scope.scoped_to(tenant_id):
                    await hub.here().rescue(chat_id)
                    return
        finally:
            self._doubtful.discard((tenant_id, chat_id))

    def is_giving(self, chat_id: UUID) -> bool:
        """Whether this process answers in a chat, or is about to know whether it does."""
        return chat_id in self.running or self.claiming[chat_id] > 0

    def begin(self, claim: Claim, log: ChatLog, received_at: float, ahead: Ahead | None = None) -> None:
        """Start answering in a context of its own: the reply outlives the request, and must not hold its connections."""
        reply = Reply(claim, log, self.lease, received_at, self.ended, ahead)
        self.running[log.chat_id] = log.speaker = reply
        reply.fenced(log.fence)
        measures.running.set(len(self.running))
        reply.task = self.background(reply.run())
        reply.task.add_done_callback(lambda _: self._forget(reply))
        if not log.readers:
            reply.left()
        if self._keeper is None or self._keeper.done():
            kept = keep(self.lease, while_needed=lambda: bool(self.running), lost=self.lose_all)
            self._keeper = self.background(kept)

    def ended(self, reply: Reply, finished: Finished | None) -> None:
        """A reply was saved, or was fenced off by somebody whose events are yet to be read, or its save went unanswered."""
        if finished is not None:
            self.carry_on(reply.log, finished)  # first: what comes next speaks into the same log
        elif reply.log.readers:
            hub.here().catch_up_soon(reply.log)
        self._forget(reply)
        if finished is None:
            self.look_after(reply.log.tenant_id, reply.log.chat_id)

    def carry_on(self, log: ChatLog, finished: Finished) -> None:
        """Tell what was recorded, and begin what is to be answered next."""
        if finished.following is not None:
            self.begin(finished.following, log, time.perf_counter())
        rest = log.retold(finished.kept) if finished.kept else []
        log.tell([*rest, *finished.told])
        name = relay.key(log.tenant_id.hex, log.chat_id.hex)
        if finished.fence:
            self.background(relay.fence(name, finished.fence))

    def lose_all(self) -> None:
        """Stop without saving: others may have taken these replies up, or will."""
        for reply in tuple(self.running.values()):
            reply.stop("lost")

    async def drain(self, seconds: float) -> None:
        self.is_draining = True
        deadline = time.monotonic() + seconds
        while self.running and time.monotonic() < deadline:
            tasks = [reply.task for reply in self.running.values()]
            await asyncio.wait(tasks, timeout=deadline - time.monotonic())
        left: set[tuple[UUID, UUID]] = set()
        while self.running or self.claiming:  # what is being saved may begin what is queued behind it
            left |= {reply.log.name for reply in self.running.values()}
            self.lose_all()
            tasks = [reply.task for reply in self.running.values()]
            await (asyncio.wait(tasks) if tasks else asyncio.sleep(0.01))
        if left:
            await self.lease.drop()
        for name in left:
            bell.abandoned(*name)
        await bell.flushed()

    def background(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _forget(self, reply: Reply) -> None:
        if self.running.get(reply.log.chat_id) is reply:
            del self.running[reply.log.chat_id]
            measures.running.set(len(self.running))
        if reply.log.speaker is reply:
            reply.log.speaker = None
            hub.here().forget_if_idle(reply.log)


_answering: "WeakKeyDictionary[asyncio.AbstractEventLoop, Answering]" = WeakKeyDictionary()


def here() -> Answering:
    """What the running loop answers."""
    loop = asyncio.get_running_loop()
    if loop not in _answering:
        _answering[loop] = Answering()
    return _answering[loop]
