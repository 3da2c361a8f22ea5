"""A bare ASGI application for comparing servers: what it sends is made in no time, so the server's own cost shows.

A client says `stream` for a frame like a reply's delta every 50 ms, `ask …` for an echo, `flood` for 16 KiB frames as fast as the
server takes them, 256 MiB at most.
"""

import asyncio
from typing import Any

PACE = 0.05
DELTA = '{"v":1,"type":"reply.delta","exchange":"6f1f4c52-54fc-4e37-8f0c-0d0c2c1f5a11","epoch":1,"text":"a few words"}'
BLOCK, BLOCKS = "x" * 16384, 16384


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    streaming: asyncio.Task[None] | None = None
    while (event := await receive())["type"] == "websocket.receive":
        if event["text"].startswith("ask"):
            await _say(send, event["text"])
        else:
            streaming = asyncio.create_task({"stream": _stream, "flood": _flood}[event["text"]](send))
    if streaming:
        streaming.cancel()


async def _say(send: Any, text: str) -> None:
    await send({"type": "websocket.send", "text": text})


async def _stream(send: Any) -> None:
    while True:
        await _say(send, DELTA)
        await asyncio.sleep(PACE)


async def _flood(send: Any) -> None:
    for _ in range(BLOCKS):
        await _say(send, BLOCK)
        await asyncio.sleep(0)
