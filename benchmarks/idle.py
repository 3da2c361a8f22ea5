"""What a quiet visitor costs: `python -m benchmarks.idle [--sockets 1000]`. Sockets past `hello` on the real server; as many whose visitor
has been answered once (200 tokens, 50 a second); and as many on a bare application on stock uvicorn. Started anew in each round.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from benchmarks import harness, room, usage
from benchmarks.harness import ROOT, Benchmark
from chatwithus import embedded
from chatwithus.embedded.cluster import free_port

LIMIT = 40.0
WARM_UP, AT_ONCE, ASKING, SETTLED = 200, 20, 100, 1.5
OURS, ANSWERED = "ours", "ours, answered once"
QUESTION = json.dumps({"type": "message.send", "client_message_id": "m1", "text": "Well?"})
BARE = """
import sys, uvicorn
uvicorn.run("benchmarks.fountain:application", port=int(sys.argv[1]), loop="uvloop", ws="websockets-sansio", lifespan="off",
            ws_per_message_deflate=False, access_log=False, log_level="warning")
"""
Round = dict[str, float]


@dataclass(frozen=True, slots=True)
class Place:
    """Where visitors come to, and the process that pays for them."""

    pid: int
    url: str
    origin: str
    hello: str
    asks: bool = False


@contextmanager
def product(services: embedded.Services, house: Any, *, asks: bool) -> Iterator[Place]:
    with room.serving(services) as web:
        url = f"ws://127.0.0.1:{web.port}/ws/chat/{house.agent.id}"
        yield Place(web.pid, url, house.origin, json.dumps({"type": "hello"}), asks)


@contextmanager
def bare() -> Iterator[Place]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", BARE, str(port)], cwd=ROOT)
    try:
        yield Place(process.pid, f"ws://127.0.0.1:{port}/", "http://127.0.0.1", "ask hello")
    finally:
        process.kill()
        process.wait()


async def come(place: Place, number: int) -> list[ClientConnection]:
    """So many sockets, each past its first answer."""
    door = asyncio.Semaphore(ASKING if place.asks else AT_ONCE)

    async def enter() -> ClientConnection:
        async with door:
            socket = await _patiently(place)
            await socket.send(place.hello)
            await socket.recv()
            if place.asks:
                await socket.send(QUESTION)
                while json.loads(await socket.recv())["type"] != "reply.completed":
                    pass
            return socket

    return await asyncio.gather(*(enter() for _ in range(number)))


async def _patiently(place: Place) -> ClientConnection:
    deadline = time.monotonic() + 20
    while True:
        try:
            return await connect(place.url, origin=place.origin, compression=None, max_queue=1)  # type: ignore[arg-type]
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


async def weigh(place: Place, sockets: int) -> Round:
    """KiB a socket: with so many more, and what is left when they have gone."""
    first = await come(place, WARM_UP)
    await asyncio.sleep(SETTLED)
    rss = usage.rss(place.pid)
    cpu = usage.cpu_seconds(place.pid)
    came = await come(place, sockets)
    entering = (usage.cpu_seconds(place.pid) - cpu) / sockets * 1000
    await asyncio.sleep(SETTLED)
    found = {
        "RSS a socket": (usage.rss(place.pid) - rss) * 1024 / sockets,
        "CPU to enter": entering,
    }
    cpu, began = usage.cpu_seconds(place.pid), time.monotonic()
    await asyncio.sleep(4)
    busy = (usage.cpu_seconds(place.pid) - cpu) / (time.monotonic() - began) * 100
    full = usage.rss(place.pid)
    for socket in (*first, *came):
        socket.transport.abort()
    await asyncio.sleep(SETTLED)
    await come(place, sockets + WARM_UP)
    return found | {
        f"CPU of {sockets + WARM_UP} quiet ones": busy,
        "RSS a socket more when all come again": (usage.rss(place.pid) - full) * 1024 / sockets,
    }


def measured(benchmark: Benchmark, services: embedded.Services, *, repeat: int, sockets: int) -> None:
    house = room.house(provider="scripted", model="tokens=200 rate=50")
    rounds: dict[str, list[Round]] = defaultdict(list)
    for _ in range(repeat):
        with product(services, house, asks=False) as place:
            rounds[OURS].append(asyncio.run(weigh(place, sockets)))
        with product(services, house, asks=True) as place:
            rounds[ANSWERED].append(asyncio.run(weigh(place, sockets)))
        with bare() as place:
            rounds["bare"].append(asyncio.run(weigh(place, sockets)))
    for name, found in rounds.items():
        for what in found[0]:
            unit = "%" if "quiet" in what else "ms" if "CPU" in what else "KiB"
            measure = benchmark.record(f"{name}: {what}", [one[what] for one in found], unit)
            if (name, what) == (OURS, "RSS a socket"):
                benchmark.bound(measure, "<=", LIMIT)


def main() -> int:
    parser = harness.parser(__doc__, repeat=3)
    parser.add_argument(
        "--sockets", type=int, default=1000, help="how many come after the first 200 (default %(default)s)"
    )
    chosen = parser.parse_args()
    benchmark = Benchmark("idle")
    with room.furnished() as services:
        measured(benchmark, services, repeat=chosen.repeat, sockets=chosen.sockets)
    benchmark.note("Bare: `benchmarks/fountain.py` on uvicorn as it is, past one echo.")
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
