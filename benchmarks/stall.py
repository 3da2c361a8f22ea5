"""What one visitor can do to the others: `python -m benchmarks.stall`. A statement that waits 1.0 s for a lock while fifty replies
stream, a Valkey that hangs meanwhile, and clients that never read.
"""

import asyncio
import json
import os
import signal
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from benchmarks import harness, room, usage
from benchmarks.harness import UNLIMITED, Benchmark
from benchmarks.room import Web

STREAMS, RATE = 50, 50
BLOCKED, HUNG, PAUSE = 1.0, 5.0, 1.5
COUNTED = UNLIMITED["LIMITS"].replace("message-visitor=off", "message-visitor=1000000/1")
DEAF, LONG = 10, 20_000
DELAY, MEMORY = 25.0, 1024.0
STREAM = f"tokens=100000 rate={RATE}"
Found = dict[str, list[float]]


@dataclass
class Stream:
    """When each frame of a reply came, and when it should have: token i of a reply is due i/rate after its first."""

    seen: list[tuple[float, float]] = field(default_factory=list)
    tokens: int = 0

    def note(self, text: str) -> None:
        self.tokens += text.count(" ")
        self.seen.append((time.perf_counter(), self.tokens / RATE))

    def lateness(self, since: float, until: float) -> list[float]:
        """Milliseconds by which the frames of a time came later than the earliest this stream ever had."""
        earliest = min(at - due for at, due in self.seen)
        return [(at - due - earliest) * 1000 for at, due in self.seen if since <= at <= until]


class Visitor:
    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.stream, self.chat = socket, Stream(), ""
        self._heard: dict[str, asyncio.Future[None]] = {}
        self._sent = 0
        self.reading = asyncio.create_task(self._read())

    async def say(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def timed(self, kind: str, answer: str, **fields: Any) -> float:
        """Milliseconds from a frame to its answer."""
        began = time.perf_counter()
        self._heard[answer] = asyncio.get_running_loop().create_future()
        await self.say(kind, **fields)
        await self._heard[answer]
        return (time.perf_counter() - began) * 1000

    async def ask(self) -> float:
        self._sent += 1
        return await self.timed("message.send", "ack", client_message_id=f"m{self._sent}", text="Well?")

    async def ping(self) -> float:
        return await self.timed("ping", "pong")

    async def _read(self) -> None:
        async for text in self.socket:
            frame = json.loads(text)
            if frame["type"] == "reply.delta":
                self.stream.note(frame["text"])
            elif frame["type"] == "ack":
                self.chat = frame["chat"]
            if waiting := self._heard.pop(frame["type"], None):
                waiting.set_result(None)


@asynccontextmanager
async def locked(house: Any, chat: str) -> AsyncIterator[None]:
    """Holds a chat's row from outside, so that a message to it waits in the database."""
    is_held, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        from django.db import connection, transaction

        from apps.chats.models import Chat  # needs Django's apps to be ready

        with house.scope(), transaction.atomic():
            Chat.objects.select_for_update().get(id=chat)
            is_held.set()
            is_over.wait(60)
        connection.close()

    holding = asyncio.create_task(asyncio.to_thread(hold))
    await asyncio.to_thread(is_held.wait)
    try:
        yield
    finally:
        is_over.set()
        await holding


class Watch:
    """What others see for a while: the frames of their streams, answers to pings, acknowledgements of messages."""

    def __init__(self, streams: list[Visitor], asks: Visitor, pings: Visitor) -> None:
        self._streams, self._is_over = streams, False
        self._since = self._until = time.perf_counter()
        self._asked, self._pinged = (asyncio.create_task(self._time(one)) for one in (asks.ask, pings.ping))

    async def _time(self, once: Callable[[], Awaitable[float]]) -> list[float]:
        took = []
        while not self._is_over:
            took.append(await once())
            await asyncio.sleep(0.02)
        return took

    def stop(self) -> None:
        self._is_over, self._until = True, time.perf_counter()

    async def seen(self) -> dict[str, float]:
        late = [ms for one in self._streams for ms in one.stream.lateness(self._since, self._until)]
        return {
            "streams' frames, p99": statistics.quantiles(late, n=100)[98],
            "streams' latest frame": max(late),
            "another's ping": statistics.median(await self._pinged),
            "another's message": statistics.median(await self._asked),
            "another's slowest message": max(await self._asked),
        }


async def enter(web: Web, house: Any) -> Visitor:
    url = f"ws://127.0.0.1:{web.port}/ws/chat/{house.agent.id}"
    visitor = Visitor(await connect(url, origin=house.origin, compression=None))
    await visitor.timed("hello", "welcome")
    return visitor


@asynccontextmanager
async def waiting(house: Any, victim: Visitor, found: Found) -> AsyncIterator[None]:
    """One visitor's message waits for a lock."""
    async with locked(house, victim.chat):
        asked = asyncio.create_task(victim.ask())
        await asyncio.sleep(0.05)
        yield
    found["the message that waited"].append(await asked)


@asynccontextmanager
async def hanging(valkey: int) -> AsyncIterator[None]:
    """Valkey takes what it is sent, and answers nothing."""
    os.kill(valkey, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(valkey, signal.SIGCONT)


async def stalled(web: Web, streaming: Any, quiet: Any, times: int, *, valkey: int | None = None) -> Found:
    """Each time: the others while nothing is wrong, then while one visitor's message waits for a lock, or while Valkey hangs."""
    streams = [await enter(web, streaming) for _ in range(STREAMS)]
    victim, asks, pings = [await enter(web, quiet) for _ in range(3)]
    for one in (victim, asks, *streams):
        await one.ask()
    await asyncio.sleep(PAUSE)
    found: Found = defaultdict(list)
    seconds, name = (BLOCKED, "stalled") if valkey is None else (HUNG, "Valkey hangs")
    for _ in range(times):
        calm = Watch(streams, asks, pings)
        await asyncio.sleep(seconds)
        calm.stop()
        async with waiting(quiet, victim, found) if valkey is None else hanging(valkey):
            stall = Watch(streams, asks, pings)
            await asyncio.sleep(seconds)
            stall.stop()
        before, during = await calm.seen(), await stall.seen()
        for what in before:
            found[f"calm: {what}"].append(before[what])
            found[f"{name}: {what}"].append(during[what])
            found[f"delay of {what}"].append(max(0.0, during[what] - before[what]))
        await asyncio.sleep(PAUSE)
    for one in (*streams, victim, asks, pings):
        one.socket.transport.abort()
    return found


async def deaf(web: Web, house: Any, *, reads: bool, floods: bool) -> float:
    """KiB a client, of those that never read; `floods`: of those that ask for pongs for ever."""
    came = [await _half_entered(web, house) for _ in range(DEAF)]
    await asyncio.sleep(1)
    before = usage.rss(web.pid)
    if not reads:
        for socket in came:
            socket.transport.pause_reading()
    said = {"type": "message.send", "client_message_id": "m1", "text": "Well?"}
    for socket in came:
        await socket.send(json.dumps(said))
    flooding = [asyncio.create_task(_flood(socket)) for socket in came if floods]
    if reads:
        await asyncio.gather(*(_to_the_end(socket) for socket in came))
    most = 0.0
    for _ in range(80):
        most = max(most, usage.rss(web.pid))
        await asyncio.sleep(0.1)
    for task in flooding:
        task.cancel()
    for socket in came:
        socket.transport.abort()
    await asyncio.sleep(2)
    return (most - before) * 1024 / DEAF


async def _half_entered(web: Web, house: Any) -> ClientConnection:
    url = f"ws://127.0.0.1:{web.port}/ws/chat/{house.agent.id}"
    socket = await connect(url, origin=house.origin, compression=None, max_size=None)
    await socket.send(json.dumps({"type": "hello"}))
    await socket.recv()
    return socket


async def _to_the_end(socket: ClientConnection) -> None:
    async for text in socket:
        if json.loads(text)["type"] in ("reply.completed", "reply.failed", "reply.cancelled"):
            return


async def _flood(socket: ClientConnection) -> None:
    ping = json.dumps({"type": "ping"})
    while True:
        await socket.send(ping)


def main() -> int:
    parser = harness.parser(__doc__)
    chosen = parser.parse_args()
    benchmark = Benchmark("stall")
    with room.furnished() as services:
        streaming = room.house(provider="scripted", model=STREAM)
        quiet = room.house(provider="scripted", model="tokens=3")
        long = room.house(provider="scripted", model=f"tokens={LONG}")
        with room.serving(services) as web:
            found = asyncio.run(stalled(web, streaming, quiet, chosen.repeat))
        for what, values in found.items():
            measure = benchmark.record(what, values, "ms")
            if what.startswith("delay of") and "est " not in what:
                benchmark.bound(measure, "<=", DELAY)
        [valkey] = [child.pid for child in services.children.running if child.name == "valkey"]
        with room.serving(services, LIMITS=COUNTED) as web:
            found = asyncio.run(stalled(web, streaming, quiet, chosen.repeat, valkey=valkey))
        for what, values in found.items():
            benchmark.record(what.replace("delay of", "Valkey hangs: delay of"), values, "ms")
        with room.serving(services) as web:
            asyncio.run(deaf(web, long, reads=True, floods=False))  # warms up
            reading = asyncio.run(deaf(web, long, reads=True, floods=False))
            silent = asyncio.run(deaf(web, long, reads=False, floods=False))
            flooded = asyncio.run(deaf(web, long, reads=False, floods=True))
        benchmark.record("a client that reads a long reply", [reading], "KiB")
        benchmark.bound(benchmark.record("a client that never reads it", [silent], "KiB"), "<=", MEMORY)
        benchmark.bound(
            benchmark.record("one that floods besides and never reads", [flooded], "KiB"), "<=", MEMORY
        )
    benchmark.note(f"{STREAMS} streams of {RATE} tokens/s; a long reply has {LONG} tokens, flat out.")
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
