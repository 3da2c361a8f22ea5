"""How soon the server notices that a visitor is gone without a word: `python -m benchmarks.halfopen`. Visitors who came at different times
sit behind a proxy that swallows everything from one moment on, as a closed laptop or a dead radio link does.
"""

import asyncio
import json
import os
import sys
import time

from websockets.asyncio.client import ClientConnection, connect

from benchmarks import harness, room
from benchmarks.harness import Benchmark
from benchmarks.room import Web
from tests.proxy import Proxy

VISITORS, APART = 20, 1.1
LIMIT = 45.0
PATIENCE = 90.0


def held(web: Web) -> int:
    """How many sockets the server has open, of any kind."""
    found = 0
    for name in os.listdir(f"/proc/{web.pid}/fd"):
        try:
            found += os.readlink(f"/proc/{web.pid}/fd/{name}").startswith("socket:")
        except FileNotFoundError:
            continue
    return found


async def noticed(web: Web, url: str, origin: str) -> list[float]:
    """Seconds from the last packet to the end of each visitor's socket."""
    clients: list[ClientConnection] = []
    async with Proxy(web.port) as proxy:
        for _ in range(VISITORS):
            came = await connect(url.format(port=proxy.port), origin=origin, ping_interval=None)  # type: ignore[arg-type]
            clients.append(came)
            await clients[-1].send(json.dumps({"type": "hello"}))
            await clients[-1].recv()
            await asyncio.sleep(APART)
        proxy.blackhole()
        began, before, gone = time.monotonic(), held(web), list[float]()
        while len(gone) < VISITORS and time.monotonic() - began < PATIENCE:
            await asyncio.sleep(0.1)
            fewer = before - held(web) - len(gone)
            gone += [time.monotonic() - began] * max(0, fewer)
        for client in clients:
            client.transport.abort()
        return gone


def main() -> int:
    parser = harness.parser(__doc__, repeat=1)
    parser.parse_args()
    benchmark = Benchmark("halfopen")
    with room.furnished() as services:
        house = room.house()
        with room.serving(services) as web:
            url = f"ws://127.0.0.1:{{port}}/ws/chat/{house.agent.id}"
            gone = asyncio.run(noticed(web, url, house.origin))
    benchmark.record("noticed after", gone or [PATIENCE], "s")
    benchmark.bound(benchmark.record("the last of them", [max(gone, default=PATIENCE)], "s"), "<=", LIMIT)
    benchmark.bound(benchmark.record("never noticed", [VISITORS - len(gone)]), "<=", 0)
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
