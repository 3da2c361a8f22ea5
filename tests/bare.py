"""The shipped server in this process, on a bare application, and sockets that send whatever bytes one likes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from websockets.frames import Frame, Opcode

from chatwithus import serve

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = (
    b" HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    + KEY
)
HANDSHAKE = b"GET /" + UPGRADE


PATIENCE = 20.0


async def until(is_so: Callable[[], object]) -> None:
    """For what sends no event."""
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@dataclass(frozen=True)
class Running:
    port: int
    server: uvicorn.Server

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"


@asynccontextmanager
async def serving(application: Any, **options: Any) -> AsyncIterator[Running]:
    """The shipped configuration in this process, on another application."""
    configuration = serve.configuration(host="127.0.0.1", port=0)
    configuration.app, configuration.lifespan = application, "off"
    configuration.timeout_graceful_shutdown = 5
    for name, value in options.items():
        setattr(configuration, name, value)
    server = uvicorn.Server(configuration)
    task = asyncio.create_task(server._serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Running(port, server)
    finally:
        server.should_exit = server.force_exit = True
        await task


@asynccontextmanager
async def raw(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A socket past its handshake, to send whatever bytes one likes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HANDSHAKE + b"\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin=fin).serialize(mask=True)
