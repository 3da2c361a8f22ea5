"""Whether all can come back at once: `python -m benchmarks.herd [--clients 500]`. Everybody is at one of two web processes when that is
killed with -9, and comes to the other; when all are there, that one is asked to stop (SIGTERM), and everybody comes back to the first. A
tenth of them wait for a reply meanwhile.
"""

import asyncio
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from benchmarks import faults, ground, harness, talk, usage
from benchmarks.ground import WEBS, Ground
from benchmarks.harness import Benchmark
from benchmarks.talk import Told
from tests.client import Client, Seen, Transcript

if TYPE_CHECKING:
    from tests.world import House

CLIENTS, AT_ONCE, PATIENCE = 500, 20, 120.0
SHORT, LONG = "tokens=3", "tokens=400 rate=10"
BACK = 5.0
COUNTED = 2.5  # seconds after which PostgreSQL has counted what it committed
DEATHS = {"killed": signal.SIGKILL, "stopped": signal.SIGTERM}
_COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"


@dataclass
class Return:
    """How everybody came back once: seconds from the signal until `welcome`, and what that cost who took them in."""

    took: list[float] = field(default_factory=list)
    missing: int = 0
    unrecovered: int = 0
    errors: int = 0
    attempts: int = 0
    cpu: float = 0.0


@asynccontextmanager
async def gathered(
    place: Ground, house: "House", count: int, told: Told, *, long: str = LONG
) -> AsyncIterator[list[Client]]:
    """Everybody at the first process, past their first answer, or in the middle of one."""
    brief, slow = (
        await talk.apart(partial(house.scripted, SHORT)),
        await talk.apart(partial(house.scripted, long)),
    )
    door = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as stack:

        async def enter(number: int) -> Client:
            agent = slow if number % 10 == 0 else brief
            client = Client(*(place.address(name, agent.id) for name in WEBS), origin=house.origin)
            async with door:
                await stack.enter_async_context(client)
                name = await client.ask("Well?")
                told.clients.append(client)
                told.sent.append([name])
                await client.until(lambda one: one.is_settled(name) or faults.is_streaming(client))
            return client

        yield await asyncio.gather(*(enter(number) for number in range(count)))


async def come_back(place: Ground, herd: list[Client], name: str, number: signal.Signals) -> Return:
    """From the signal to one of the two processes until everybody is welcome at the other."""
    other = place.running[next(one for one in WEBS if one != name)].pid
    found, at, cpu = Return(), time.monotonic(), usage.cpu_seconds(other)
    place.kill(name, number)
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(one.until(partial(_is_back, one, at)) for one in herd))
    found.cpu = usage.cpu_seconds(other) - cpu
    for client in herd:
        _note(found, [seen for seen in client.trace if seen.at >= at], at)
    return found


async def settled(told: Told) -> None:
    """Until every reply has come to its end."""
    async with asyncio.timeout(PATIENCE):
        for client, names in zip(told.clients, told.sent, strict=True):
            await client.until(partial(_has_all, names))


def _has_all(names: list[str], transcript: Transcript) -> bool:
    return all(map(transcript.is_settled, names))


def _is_back(client: Client, at: float, _: Transcript) -> bool:
    return next(_welcomes(client.trace, at), None) is not None


def _welcomes(trace: list[Seen], at: float) -> Iterator[Seen]:
    """From the latest on back."""
    for seen in reversed(trace):
        if seen.at < at:
            return
        if seen.way == "received" and seen.frame["type"] == "welcome":
            yield seen


def _note(found: Return, since: list[Seen], at: float) -> None:
    back = [seen for seen in since if seen.way == "received" and seen.frame["type"] == "welcome"]
    found.attempts += sum(seen.way == "connect" for seen in since)
    found.errors += sum(seen.way == "received" and seen.frame["type"] == "error" for seen in since)
    found.missing += not back
    if back:
        found.took.append(back[0].at - at)
        found.unrecovered += not back[0].frame["recovered"]


@asynccontextmanager
async def counted(place: Ground) -> AsyncIterator[list[int]]:
    """What PostgreSQL has committed, once a second; it keeps count no more often."""
    commits: list[int] = []

    async def watch() -> None:
        with place.services.cluster.connect("chatwithus") as superuser:
            while True:
                row = superuser.execute(_COMMITS).fetchone()
                commits.append(int(row[0]) if row else 0)
                await asyncio.sleep(1)

    watching = asyncio.create_task(watch())
    yield commits
    await asyncio.sleep(COUNTED)
    watching.cancel()


def tell(benchmark: Benchmark, how: str, found: Return, commits: list[int], count: int) -> None:
    seconds = [later - earlier for earlier, later in pairwise(commits)]
    took = sorted(found.took)
    benchmark.record(f"{how}: until welcome, p50", [statistics.median(took)], "s")
    benchmark.bound(benchmark.record(f"{how}: – p95", [faults.quantile(took, 0.95)], "s"), "<=", BACK)
    benchmark.record(f"{how}: – the last", [took[-1]], "s")
    benchmark.bound(benchmark.record(f"{how}: who did not come back", [found.missing]), "<=", 0)
    benchmark.bound(benchmark.record(f"{how}: who had to begin anew", [found.unrecovered]), "<=", 0)
    benchmark.bound(benchmark.record(f"{how}: errors told", [found.errors]), "<=", 0)
    benchmark.record(f"{how}: CPU of the process they come to, for each", [found.cpu / count * 1000], "ms")
    benchmark.record(f"{how}: attempts for each", [found.attempts / count])
    benchmark.record(f"{how}: transactions for each", [sum(seconds) / count])
    benchmark.record(f"{how}: transactions a second at most", [max(seconds, default=0)])


async def measure(place: Ground, house: "House", benchmark: Benchmark, count: int) -> None:
    told = Told()
    async with gathered(place, house, count, told) as herd:
        for name, (how, number) in zip(WEBS, DEATHS.items(), strict=True):
            async with counted(place) as commits:
                found = await come_back(place, herd, name, number)
            tell(benchmark, how, found, commits, count)
            await talk.comes_true(place.running[name].has_ended)
            place.bury(name)
            place.start(name)
            await place.is_ready()
        await settled(told)
    wrong = await talk.judged(told, house)
    for fault in wrong[:20]:
        print(f"  FAULT {fault}")
    benchmark.bound(benchmark.record("chats with a fault", [faults.chats(wrong)]), "<=", 0)


def main() -> int:
    parser = harness.parser(__doc__, repeat=1)
    parser.add_argument("--clients", type=int, default=CLIENTS, help="how many (default %(default)s)")
    chosen = parser.parse_args()
    benchmark = Benchmark("herd")
    with ground.prepared(LEASE_SECONDS="10") as place:
        asyncio.run(measure(place, place.house(), benchmark, chosen.clients))
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
