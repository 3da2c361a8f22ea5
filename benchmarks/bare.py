"""What the product's streams are compared with: `python -m benchmarks.bare (library | tokens | frames | silent) PORT`.

The same tokens in the same JSON, and nothing else: no auth, no tenant, no database, no log. `library` is a server of the
`websockets` library; `tokens` and `frames` are ASGI applications on uvicorn as the product sets it up, one with a frame for each
token, the others coalesced as the product does it.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import orjson
import uvicorn
import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from apps.chats.coalescer import Coalescer
from benchmarks.paced import pieces
from chatwithus.sockets import Connection
from consumers.eager import start

Send = Callable[[str], Coroutine[Any, Any, None]]
WELCOME, END = '{"type":"welcome"}', '{"type":"reply.completed"}'
LARGEST = 256 * 1024


class Frames:
    """Numbers the deltas of one reply and sends them in order."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._index = 0
        self._last: asyncio.Task[None] | None = None

    def say(self, text: str) -> None:
        """At once, as long as the client reads."""
        start(self._send(self._delta(text)), then=self._later)

    async def say_now(self, text: str) -> None:
        await self._send(self._delta(text))

    def _delta(self, text: str) -> str:
        told = {"type": "reply.delta", "exchange": 1, "epoch": 1, "index": self._index, "text": text}
        self._index += 1
        return orjson.dumps(told).decode()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        self._last = asyncio.create_task(work)


async def coalesced(question: str, send: Send) -> None:
    coalescer = Coalescer(Frames(send).say)
    async for piece in pieces(question):
        if isinstance(piece, str):
            coalescer.add(piece)
    coalescer.flush()
    await send(END)


async def silent(question: str, send: Send) -> None:
    """What the source itself costs."""
    async for _ in pieces(question):
        pass
    await send(END)


async def one_by_one(question: str, send: Send) -> None:
    frames = Frames(send)
    async for piece in pieces(question):
        if isinstance(piece, str):
            await frames.say_now(piece)
    await send(END)


async def answer(
    text: str | bytes, send: Send, reply: Callable[[str, Send], Coroutine[Any, Any, None]]
) -> None:
    frame = orjson.loads(text)
    if frame["type"] == "hello":
        await send(WELCOME)
    elif frame["type"] == "message.send":
        await reply(frame["text"], send)


def application(reply: Callable[[str, Send], Coroutine[Any, Any, None]]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def say(text: str) -> None:
            await send({"type": "websocket.send", "text": text})

        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            await answer(event["text"], say, reply)

    return app


async def library(port: int) -> None:
    async def handle(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in socket:
                await answer(text, socket.send, coalesced)

    async with serve(handle, "127.0.0.1", port, compression=None) as server:
        await server.serve_forever()


def asgi(app: Any, port: int) -> None:
    """With the options of `chatwithus.serve.configuration`."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        ws=Connection,
        ws_per_message_deflate=False,
        ws_max_size=LARGEST,
        lifespan="off",
        server_header=False,
        access_log=False,
        log_level="warning",
    )


def main() -> None:
    kind, port = sys.argv[1], int(sys.argv[2])
    if kind == "library":
        uvloop.run(library(port))
    else:
        asgi(application({"tokens": one_by_one, "frames": coalesced, "silent": silent}[kind]), port)


if __name__ == "__main__":
    main()
