"""The clients of `benchmarks.servers`, in a process of their own: `python -m benchmarks.crowd PORT (SOCKETS SECONDS | deaf)`.

A crowd says `open` when all its sockets stream, asks twice a second on each, and ends with one line of JSON. A deaf client asks
for a flood and never reads it.
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect

ASK_EVERY = 0.5


@dataclass
class Heard:
    """What the whole crowd received; latencies are from an `ask` to its echo."""

    frames: int = 0
    latencies_ms: list[float] = field(default_factory=list)


async def listen(socket: ClientConnection, heard: Heard) -> None:
    async for text in socket:
        heard.frames += 1
        if isinstance(text, str) and text.startswith("ask "):
            heard.latencies_ms.append((time.perf_counter() - float(text[4:])) * 1000)


async def ask(socket: ClientConnection) -> None:
    """At a random phase, so that questions do not come in bursts."""
    await asyncio.sleep(random.random() * ASK_EVERY)
    while True:
        await socket.send(f"ask {time.perf_counter()}")
        await asyncio.sleep(ASK_EVERY)


async def crowd(url: str, *, sockets: int, seconds: float) -> Heard:
    opened = [await connect(url, compression=None) for _ in range(sockets)]
    for socket in opened:
        await socket.send("stream")
    warming, heard = Heard(), Heard()
    await _for(1.0, opened, warming)
    print("open", flush=True)
    await _for(seconds, opened, heard)
    print(json.dumps({"frames": heard.frames, "latencies_ms": heard.latencies_ms}), flush=True)
    for socket in opened:
        socket.transport.abort()
    return heard


async def _for(seconds: float, sockets: list[ClientConnection], heard: Heard) -> None:
    tasks = [asyncio.create_task(listen(socket, heard)) for socket in sockets]
    tasks += [asyncio.create_task(ask(socket)) for socket in sockets]
    await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def deaf(url: str) -> None:
    """Reads the first frame and no more: with a queue of one the client stops reading its socket once that is full."""
    socket = await connect(url, compression=None, max_queue=1, ping_interval=None)
    await socket.send("flood")
    await socket.recv()
    print("open", flush=True)
    await asyncio.sleep(60)


def main() -> None:
    url, what = f"ws://127.0.0.1:{sys.argv[1]}/", sys.argv[2:]
    if what == ["deaf"]:
        asyncio.run(deaf(url))
    else:
        asyncio.run(crowd(url, sockets=int(what[0]), seconds=float(what[1])))


if __name__ == "__main__":
    main()
