"""Server-sent events: a reply's entries as a response that streams."""

import asyncio
import contextvars
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from django.http import StreamingHttpResponse

from apps.chats import hub
from apps.chats.entries import Entry, Position
from apps.tenants import access, watch

logger = logging.getLogger(__name__)
PING = 10.0  # seconds of silence, after which proxies and clients are shown that somebody is there
AHEAD = 64  # entries read before the client has taken the earlier ones
HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}

Told = AsyncGenerator[Entry, None]


class Writer(Protocol):
    """How entries look in one door's stream."""

    def write(self, entry: Entry) -> bytes: ...

    def end(self) -> bytes:
        """What is said when nothing follows."""
        ...


class Numbered:
    """Our own frames, each under an id from which `Last-Event-ID` resumes."""

    def __init__(self, position: Position) -> None:
        self.position = position

    def write(self, entry: Entry) -> bytes:
        self.position = self.position.after(entry)
        return event(entry.type, entry.text, position=self.position)

    def end(self) -> bytes:
        return b""


class Body:
    """The body of a streaming response. Django reads it after the request's own scope was left, and may drop it unread: so
    the entries are read by a task in the context of whoever made the body, which ends with it."""

    def __init__(
        self,
        told: Told,
        writer: Writer,
        *,
        first: bytes = b"",
        ping: float = PING,
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        self._told, self._writer, self._first, self._ping = told, writer, first, ping
        self._leave = leave
        self._context = contextvars.copy_context()
        self._loop = asyncio.get_running_loop()
        self._ahead: asyncio.Queue[Entry | None] = asyncio.Queue(AHEAD)
        self._reading: asyncio.Task[None] | None = None
        self._admitted = access.current()
        self._is_shut_out = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._reading = self._loop.create_task(self._read(), context=self._context)
        stay = watch.here().hold(self._admitted, self._shut_out) if self._admitted else None
        try:
            yield self._first
            while (batch := await self._batch()) is not None:
                if written := b"".join(map(self._writer.write, batch)) if batch else b": ping\n\n":
                    yield written
            if not self._is_shut_out and (last := self._writer.end()):
                yield last
        finally:
            self._reading.cancel()
            if stay is not None:
                watch.here().leave(stay)

    def close(self) -> None:
        """Called by Django from a thread, when the response is done with; `leave` is called then."""
        self._leave()
        if self._reading is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._reading.cancel)

    def _shut_out(self) -> None:
        """Whoever reads may not any more: what was not sent yet is not, and the stream ends."""
        self._is_shut_out = True
        if self._reading is not None:
            self._reading.cancel()
        while not self._ahead.empty():
            self._ahead.get_nowait()
        self._ahead.put_nowait(None)

    async def _batch(self) -> Sequence[Entry] | None:
        """All that is there, at least one entry; none after a silence, None at the end."""
        try:
            async with asyncio.timeout(self._ping):
                found = await self._ahead.get()
        except TimeoutError:
            return ()
        batch = []
        while found is not None:
            batch.append(found)
            if self._ahead.empty():
                return batch
            found = self._ahead.get_nowait()
        if batch:
            self._ahead.put_nowait(None)
        return batch or None

    async def _read(self) -> None:
        try:
            async with aclosing(self._told):
                async for entry in self._told:
                    await self._ahead.put(entry)
        except hub.TooSlow:
            logger.info("A stream's reader was too slow; it has to come again.")
        except Exception:
            logger.exception("A stream broke off")
        await self._ahead.put(None)


def respond(
    told: Told, writer: Writer, *, first: bytes = b"", leave: Callable[[], None] = lambda: None
) -> StreamingHttpResponse:
    body = Body(told, writer, first=first, leave=leave)
    return StreamingHttpResponse(body, content_type="text/event-stream", headers=HEADERS)


def event(kind: str, data: str, *, position: Position | None = None) -> bytes:
    """One event. Without a position it leaves the client's last id as it was."""
    name = f"id: {position}\n" if position else ""
    return f"{name}event: {kind}\ndata: {data}\n\n".encode()
