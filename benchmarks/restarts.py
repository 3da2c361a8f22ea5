"""Whether a deployment is noticed: `python -m benchmarks.restarts [--restarts 50]`. Two web processes are asked to stop in turns
(SIGTERM) and started again, while visitors talk; each comes back to the other process and hears every reply to its end."""

import asyncio
import random
import signal
import statistics
import sys
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import faults, ground, harness, talk
from benchmarks.ground import WEBS, Ground
from benchmarks.harness import Benchmark
from benchmarks.talk import Told
from tests.client import Client

if TYPE_CHECKING:
    from tests.world import House

SCRIPT = "tokens=60 rate=25 first=0.05"
VISITORS = 12
EXPECTED = {1000, 1001, 1012}
Stops = list[tuple[float, int]]


async def talk_on(
    place: Ground, house: "House", *, restarts: int, visitors: int = VISITORS
) -> tuple[Told, Stops]:
    """Visitors talk until the last restart is over."""
    told, live, stops, chance = Told(), set[Client](), Stops(), random.Random(1)
    agent = await talk.apart(lambda: house.scripted(SCRIPT))
    addresses = [place.address(name, agent.id) for name in WEBS]
    rolling = asyncio.create_task(roll(place, restarts, stops, live))

    async def talking() -> None:
        while not rolling.done():
            await talk.visit(told, addresses, house, chance=chance, live=live, is_over=rolling.done)

    await asyncio.gather(rolling, *(talking() for _ in range(visitors)))
    return told, stops


async def roll(place: Ground, restarts: int, stops: Stops, live: set[Client]) -> None:
    """One after the other, each only when both are ready and a reply is being told by the one that goes."""
    for number in range(restarts):
        await place.is_ready()
        name = WEBS[number % 2]
        await talk.comes_true(partial(_is_telling, place, name, live))
        began = time.monotonic()
        place.kill(name, signal.SIGTERM)
        await talk.comes_true(place.running[name].has_ended)
        stops.append((time.monotonic() - began, place.running[name].finish()))
        print(
            f"  restart {number + 1}: {name} ended after {stops[-1][0]:.1f} s with {stops[-1][1]}", flush=True
        )
        place.bury(name)
        place.start(name)
    await place.is_ready()


def _is_telling(place: Ground, name: str, live: set[Client]) -> bool:
    return any(faults.is_streaming(one) and faults.is_at(place, name, one) for one in live)


def tell(benchmark: Benchmark, told: Told, stops: Stops, wrong: list[str]) -> None:
    closed = codes(told.clients)
    spans = [took * 1000 for _, took, _, _ in talk.resumes(told.clients)]
    begun, ends = faults.begun_again(told.clients), cut_short(told.clients)
    benchmark.record("restarts", [len(stops)])
    benchmark.record("messages answered meanwhile", [told.messages])
    benchmark.bound(benchmark.record("chats with a fault", [faults.chats(wrong)]), "<=", 0)
    benchmark.bound(benchmark.record("visitors left waiting", [told.stuck]), "<=", 0)
    benchmark.bound(benchmark.record("replies that failed or were cut short", [len(ends)]), "<=", 0)
    unexpected = sum(times for code, times in closed.items() if code not in EXPECTED)
    benchmark.bound(benchmark.record("sockets closed with another code", [unexpected]), "<=", 0)
    benchmark.bound(
        benchmark.record("processes that ended with an error", [sum(status != 0 for _, status in stops)]),
        "<=",
        0,
    )
    benchmark.record("replies begun again", [begun])
    benchmark.record("resumes", [len(spans)])
    if spans:
        benchmark.record("resume p50", [statistics.median(spans)], "ms")
        benchmark.record("resume p99", [faults.quantile(spans, 0.99)], "ms")
    benchmark.record("from SIGTERM to the end of the process", [took for took, _ in stops], "s")
    benchmark.note(
        f"close codes: {', '.join(f'{code} {times} times' for code, times in sorted(closed.items()))}"
    )


def codes(clients: list[Client]) -> Counter[int]:
    """With which code sockets were closed, and how often."""
    return Counter(seen.frame["code"] for client in clients for seen in client.trace if seen.way == "closed")


def cut_short(clients: list[Client]) -> list[str]:
    """Ends of replies that a visitor would notice."""
    kinds = (frame["type"] for client in clients for frame in client.transcript.log)
    return [kind for kind in kinds if kind in {"reply.failed", "reply.cancelled"}]


async def measure(place: Ground, house: "House", benchmark: Benchmark, *, restarts: int) -> None:
    told, stops = await talk_on(place, house, restarts=restarts)
    wrong = await talk.judged(told, house)
    for fault in wrong[:40]:
        print(f"  FAULT {fault}")
    tell(benchmark, told, stops, wrong)


def main() -> int:
    parser = harness.parser(__doc__)
    parser.add_argument("--restarts", type=int, default=50, help="of one process each (default %(default)s)")
    chosen = parser.parse_args()
    benchmark = Benchmark("restarts")
    with ground.prepared(LEASE_SECONDS="10") as place:
        asyncio.run(measure(place, place.house(), benchmark, restarts=chosen.restarts))
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
