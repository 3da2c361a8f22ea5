"""A model server that does what it is told, well or badly, and sees when it is left alone."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

from tests.wires import Wire

_REASONS = {200: "OK", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


@dataclass(frozen=True)
class Script:
    """What becomes of one request: `waits` are seconds before the headers, before the first piece, and between pieces."""

    pieces: tuple[str, ...] = ("Two ", "words")
    before: float = 0.0
    first: float = 0.0
    between: float = 0.0
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    refusal: str = "no"
    stall_after: int = -1  # so many pieces; then nothing more
    cut_after: int = -1  # so many pieces; then the connection is torn
    error_after: int = -1  # so many pieces; then the wire's own error
    echoes: bool = False  # says what it was told, instead of its pieces
    ends: bool = True
    reason: str = ""  # for the end, if not that all is said
    raw: bytes | None = None  # the body, instead of all that
    wild: bytes | None = None  # the whole answer, head and all, after which the connection is closed

    @property
    def breaks_at(self) -> int:
        return max(self.stall_after, self.cut_after, self.error_after)


@dataclass
class Asked:
    """One request, and what became of it: `gone` is set once the client has closed its connection in the midst."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    gone_at: float = 0.0

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Upstream:
    """On a free port while the block lasts. `scripts` are those of the next requests; then comes `script`, for ever."""

    def __init__(self, wire: Wire, script: Script | None = None, *scripts: Script) -> None:
        self.wire, self.script, self.scripts = wire, script or Script(), list(scripts)
        self.asked: list[Asked] = []
        self.running = self.most_running = 0
        self.connections: set[asyncio.StreamWriter] = set()
        self._arrived = asyncio.Condition()
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Upstream":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=2048)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def will(self, **changes: Any) -> None:
        self.script = replace(self.script, **changes)

    async def arrival(self, number: int = 1) -> Asked:
        """The request of this number, as soon as it has come."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.asked) >= number)
        return self.asked[number - 1]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        try:
            while (asked := await _read(reader)) is not None:
                if not await self._answered(asked, reader, writer):
                    break
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.connections.discard(writer)
            writer.close()

    async def _answered(
        self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether all was said, and the connection may be used again. What the client sends meanwhile can only be its goodbye."""
        script = self.scripts.pop(0) if self.scripts else self.script
        self.asked.append(asked)
        async with self._arrived:
            self._arrived.notify_all()
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        saying = asyncio.ensure_future(self._say(script, asked, writer))
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait((saying, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not saying.done() or isinstance(saying.exception(), OSError):
                asked.gone_at = asyncio.get_running_loop().time()
                asked.gone.set()
            return saying.done() and saying.exception() is None and saying.result()
        finally:
            saying.cancel()
            leaving.cancel()
            await asyncio.gather(saying, leaving, return_exceptions=True)
            self.running -= 1
            asked.over.set()

    async def _say(self, script: Script, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(script.before)
        if script.wild is not None:
            writer.write(script.wild)
            await writer.drain()
            return False
        if script.status != 200:
            writer.write(self._refusal(script, asked))
            await writer.drain()
            return True
        writer.write(_head(200, {"Content-Type": self.wire.content_type, "Transfer-Encoding": "chunked"}))
        await writer.drain()
        if script.raw is not None:
            return await _raw(script.raw, writer)
        await asyncio.sleep(script.first)
        pieces = [self.wire.text(asked.json)] if script.echoes else list(script.pieces)
        for number, piece in enumerate([*pieces, None]):
            if number == script.breaks_at:
                return await self._break(script, writer)
            if piece is not None:
                writer.write(_chunk(self.wire.piece(piece)))
                await writer.drain()
                await asyncio.sleep(script.between)
        writer.write((_chunk(self._end(script)) if script.ends else b"") + b"0\r\n\r\n")
        await writer.drain()
        return True

    def _end(self, script: Script) -> bytes:
        known = {"reason": script.reason} if script.reason else {}
        return self.wire.end(**known)

    async def _break(self, script: Script, writer: asyncio.StreamWriter) -> bool:
        if script.stall_after >= 0:
            await asyncio.Event().wait()
        if script.error_after >= 0:
            writer.write(_chunk(self.wire.error(f"went wrong with {self.wire.secret}")) + b"0\r\n\r\n")
            await writer.drain()
        else:
            writer.transport.abort()
        return script.error_after >= 0

    def _refusal(self, script: Script, asked: Asked) -> bytes:
        """Some servers repeat what they were sent."""
        sent = " ".join(asked.headers.values()) if script.echoes else ""
        body = self.wire.refusal(f"{script.refusal} {sent}".strip())
        known = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        return _head(script.status, known | dict(script.headers)) + body


async def _raw(body: bytes, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"".join(_chunk(body[at : at + 997]) for at in range(0, len(body), 997)) + b"0\r\n\r\n")
    await writer.drain()
    return True


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = first.split(" ", 2)
    return Asked(method, path, headers, body)


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Odd')}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n" if data else b""
