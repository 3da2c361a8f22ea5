"""One ticker for all sockets of a process: it pings them, and gives up those that are silent or do not read."""

import asyncio
import time
from typing import Protocol

PING = '{"type":"ping"}'
_SLOTS = 20  # ticks from one look at a socket to the next
_LOOKS = 4  # looks from one ping to the next


class Socket(Protocol):
    """What the heartbeat knows of a socket; `heard_at` is the last time anything came, in `time.monotonic()`."""

    heard_at: float
    slot: int

    def ping(self) -> None: ...

    def give_up(self) -> None: ...


class Heartbeat:
    """Pings every `every` seconds, and gives up after `patience` seconds without a frame from the client or `limit` seconds
    in which it took nothing of what was sent. Sockets sit in the slots of a wheel, so that thousands which came at once are
    not pinged at once, and an idle one costs no task and no timer of its own."""

    def __init__(self, *, every: float = 20.0, patience: float = 45.0, limit: float = 20.0) -> None:
        self._pause = every / _SLOTS / _LOOKS
        self._patience, self._limit = patience, limit
        self._wheel: list[set[Socket]] = [set() for _ in range(_SLOTS)]
        self._sending: dict[Socket, float] = {}  # since when each waits, longest first
        self._step = self._joined = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    def join(self, socket: Socket) -> None:
        self._joined += 1
        socket.slot = self._joined % _SLOTS
        socket.heard_at = time.monotonic()
        self._wheel[socket.slot].add(socket)
        if (loop := asyncio.get_running_loop()) is not self._loop:
            self._loop = loop
            loop.call_later(self._pause, self._tick, loop)

    def leave(self, socket: Socket) -> None:
        self._sending.pop(socket, None)
        self._wheel[socket.slot].discard(socket)

    def sends(self, socket: Socket) -> None:
        """It hands a frame to the server, which takes it at once unless the client does not read."""
        self._sending.setdefault(socket, time.monotonic())

    def sent(self, socket: Socket) -> None:
        self._sending.pop(socket, None)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        if not any(self._wheel):
            self._loop = None
            return
        loop.call_later(self._pause, self._tick, loop)
        self._step += 1
        look, slot = divmod(self._step, _SLOTS)
        self._look_at(slot, is_time_to_ping=look % _LOOKS == slot % _LOOKS)
        self._give_up_blocked()

    def _look_at(self, slot: int, *, is_time_to_ping: bool) -> None:
        silent_since = time.monotonic() - self._patience
        for socket in list(self._wheel[slot]):
            if socket.heard_at < silent_since:
                socket.give_up()
            elif is_time_to_ping and socket not in self._sending:
                socket.ping()

    def _give_up_blocked(self) -> None:
        blocked_since = time.monotonic() - self._limit
        for socket, since in list(self._sending.items()):
            if since > blocked_since:
                return
            self.sent(socket)
            socket.give_up()
