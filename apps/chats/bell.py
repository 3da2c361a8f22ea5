"""Tells every process that something happened in a chat. A ring is a hint: who hears it reads the database, and who misses
one is caught up later. Rings go over one Valkey channel, and to listeners of the own process directly."""

import asyncio
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

import orjson

from apps.tenants import scope, valkey

logger = logging.getLogger(__name__)
CHANNEL = "cwu:bell"
MOST_PENDING = 10_000
RETRY = 0.5
MISSED = 2.0
ECHO = 0.05  # seconds until a ring of the own process is heard in it
NO_CHAT = UUID(int=0)
PING_EVERY = 5.0


class Ring(NamedTuple):
    """What is rung: a chat has reached `seq`, or (`seq` 0) its reply was abandoned, or somebody is typing in it."""

    tenant_id: UUID
    chat_id: UUID
    seq: int = 0
    typing: dict[str, Any] | None = None


Heard = Callable[[Ring], None]


def ring(tenant_id: UUID, chat_id: UUID, seq: int) -> None:
    """From any thread, without waiting: listeners learn that a chat has reached this `seq`."""
    _send(Ring(tenant_id, chat_id, seq))


def typing(chat_id: UUID, who: str, name: str | None = None) -> None:
    _send(Ring(scope.current(), chat_id, typing={"from": who, **({"name": name} if name else {})}))


def abandoned(tenant_id: UUID, chat_id: UUID) -> None:
    """This process will not finish a reply: whoever follows it may take it up."""
    _send(Ring(tenant_id, chat_id))


async def flushed(patience: float = 1.0) -> None:
    """Wait until what was rung has been handed to Valkey, for so long at most."""
    await asyncio.to_thread(_own_publisher().flushed, patience)


def ear() -> "Ear":
    """The running loop's ear, listening from its first use on."""
    loop = asyncio.get_running_loop()
    if loop not in _ears:
        _ears[loop] = Ear(loop)
    return _ears[loop]


def listen(tenant_id: UUID, callback: Callable[[UUID], None]) -> Callable[[], None]:
    """Call `callback(chat_id)` in this loop for every durable event of a tenant, and with no chat's id where some may have
    been missed; the function returned ends it."""

    def heard(rung: Ring) -> None:
        if rung.tenant_id == tenant_id and rung.seq:
            callback(rung.chat_id)

    def missed() -> None:
        callback(NO_CHAT)

    listening = ear()
    listening.listeners.append(heard)
    listening.on_missed.append(missed)

    def end() -> None:
        listening.listeners.remove(heard)
        listening.on_missed.remove(missed)

    return end


class Ear:
    """Hears rings in one event loop; who is in `on_missed` is called when some may have been missed, and now and then while
    nothing can be heard."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.listeners: list[Heard] = []
        self.on_missed: list[Callable[[], None]] = []
        self.is_connected = False
        self._told_missed_at = time.monotonic()
        self._loop = loop
        self._task = loop.create_task(self._listen())

    def hear(self, rung: Ring) -> None:
        for heard in tuple(self.listeners):
            heard(rung)

    def hear_soon(self, rung: Ring) -> None:
        """From another thread. Whoever wrote something in this process tells it on its own, and has done so by then."""
        with suppress(RuntimeError):  # its loop has ended
            self._loop.call_soon_threadsafe(self._loop.call_later, ECHO, self.hear, rung)

    async def _listen(self) -> None:
        while True:
            try:
                await self._connection()
            except valkey.Unreachable as error:
                if self.is_connected:
                    logger.warning("The bell went silent: %s", error)
            self.is_connected = False
            await asyncio.sleep(RETRY)
            self._tell_missed()

    def _tell_missed(self) -> None:
        """At most every MISSED seconds: each asks the database."""
        if time.monotonic() - self._told_missed_at > MISSED or self.is_connected:
            self._told_missed_at = time.monotonic()
            for missed in tuple(self.on_missed):
                missed()

    async def _connection(self) -> None:
        client = valkey.listener()
        async with client, client.pubsub() as pubsub:
            await pubsub.subscribe(CHANNEL)
            last_heard = last_ping = time.monotonic()
            while time.monotonic() - last_heard < 2 * PING_EVERY:
                message = await pubsub.get_message(timeout=1.0)
                now = time.monotonic()
                if message is not None:
                    last_heard = now
                    self._received(message)
                if now - last_ping > PING_EVERY:
                    last_ping = now
                    await pubsub.ping()

    def _received(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self.is_connected = True
            self._tell_missed()
        elif message["type"] == "message":
            self._heard(message["data"])

    def _heard(self, packed: bytes) -> None:
        try:
            sender, tenant_id, chat_id, seq, typing = orjson.loads(packed)
            rung = Ring(UUID(tenant_id), UUID(chat_id), int(seq), typing)
        except (ValueError, TypeError, AttributeError):
            logger.warning("Something else than a ring came over %s.", CHANNEL)
            return
        if sender != _sender():
            self.hear(rung)


class Publisher:
    """A thread that publishes what is pending, the latest of each chat, until Valkey has taken it."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.sender = uuid.uuid4().hex
        self._pending: dict[tuple[UUID, UUID, bool], bytes] = {}
        self._lock = threading.Lock()
        self._is_due = threading.Event()
        self._is_done = threading.Event()
        threading.Thread(target=self._publish, name="bell", daemon=True).start()

    def put(self, rung: Ring) -> None:
        packed = orjson.dumps((self.sender, rung.tenant_id.hex, rung.chat_id.hex, rung.seq, rung.typing))
        with self._lock:
            if len(self._pending) < MOST_PENDING:
                self._pending[rung.tenant_id, rung.chat_id, rung.typing is not None] = packed
            self._is_done.clear()
        self._is_due.set()

    def flushed(self, patience: float) -> bool:
        return not self._pending or self._is_done.wait(patience)

    def _publish(self) -> None:
        while True:
            self._is_due.wait()
            self._is_due.clear()
            with self._lock:
                due, self._pending = self._pending, {}
            try:
                pipeline = valkey.blocking().pipeline(transaction=False)
                for packed in due.values():
                    pipeline.publish(CHANNEL, packed)
                pipeline.execute()
                with self._lock:
                    if not self._pending:
                        self._is_done.set()
            except valkey.Unreachable:
                with self._lock:
                    self._pending = due | self._pending
                time.sleep(RETRY)
                self._is_due.set()


_ears: "WeakKeyDictionary[asyncio.AbstractEventLoop, Ear]" = WeakKeyDictionary()
_publisher: Publisher | None = None


def _send(rung: Ring) -> None:
    for one in tuple(_ears.values()):
        one.hear_soon(rung)
    _own_publisher().put(rung)


def _sender() -> str:
    return _own_publisher().sender


def _own_publisher() -> Publisher:
    """This process's: a fork (a Celery worker's child) inherits the object but not its thread."""
    global _publisher
    if _publisher is None or _publisher.pid != os.getpid():
        _publisher = Publisher()
    return _publisher
