"""How soon an agent is silent once a person has taken the chat over: `python -m benchmarks.takeover [--trials 1000]`.

The visitor's reply runs in a web process; this process, another one, takes the chat over in the middle of it."""

import asyncio
import random
import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from benchmarks import faults, ground, harness, talk
from benchmarks.ground import WEBS, Ground
from benchmarks.harness import Benchmark
from tests import trace
from tests.client import Client, Frame
from tests.scripted import answer
from tests.trace import Rows

if TYPE_CHECKING:
    from tests.world import House

SCRIPT = "tokens=300 rate=50 first=0.02"
AT_ONCE = 4
STOPS, PATIENCE = 300.0, 30.0


@dataclass
class Trial:
    """`taken_at` is when the take-over was committed at the earliest: the instant its row names."""

    client: Client
    taken_at: float = 0.0
    rows: Rows | None = None

    @property
    def applied(self) -> list[tuple[float, Frame]]:
        """What the visitor's client let count, and when it came."""
        instants = {id(seen.frame): seen.at for seen in self.client.trace}
        return [(instants[id(frame)], frame) for frame in self.client.transcript.log]

    @property
    def silent_after(self) -> float:
        """Seconds until the last delta that the visitor applied; 0 where it was applied before."""
        last = max((at for at, frame in self.applied if frame["type"] == "reply.delta"), default=0.0)
        return max(0.0, last - self.taken_at)

    @property
    def told_after(self) -> float:
        """Seconds until the visitor was told who handles the chat now."""
        return next(at for at, frame in self.applied if _is_takeover(frame)) - self.taken_at

    @property
    def late(self) -> int:
        """Deltas applied after the visitor was told."""
        frames = [frame for _, frame in self.applied]
        told = next(place for place, frame in enumerate(frames) if _is_takeover(frame))
        return sum(frame["type"] == "reply.delta" for frame in frames[told:])

    @property
    def is_saved(self) -> bool:
        """Whether an answer was saved after all, or more than had been said."""
        assert self.rows is not None
        [one] = self.rows.exchanges
        return (
            one["state"] != "stopped"
            or one["reason"] != "takeover"
            or not answer(SCRIPT).startswith(one["response"])
        )


def _is_takeover(frame: Frame) -> bool:
    return bool(frame["type"] == "handoff" and frame["state"] == "staff")


async def take_over(address: str, house: "House", chance: random.Random) -> Trial:
    """Once, after a random number of deltas."""
    from apps.chats import handoff

    async with Client(address, origin=house.origin) as client:
        message = await client.ask("Go on")
        deltas = chance.randint(1, 20)
        await _until(client, lambda t: any(len(one.parts) >= deltas for one in t.exchanges.values()))
        with house.scope():
            await handoff.take_over(UUID(client.transcript.chat), house.user)
        await _until(client, lambda t: t.handled_by == "staff" and t.is_settled(message))
        await asyncio.sleep(0.5)  # for whatever may still come
    return Trial(client)


async def _until(client: Client, holds: Any) -> None:
    await asyncio.wait_for(client.until(holds), PATIENCE)


def judged(house: "House", trials: list[Trial]) -> list[str]:
    """Read what is on record once the last reply would have ended; returns what is wrong."""
    from apps.chats.models import Event

    wrong = []
    offset = time.time() - time.monotonic()
    with house.scope():
        for trial in trials:
            chat = trial.client.transcript.chat
            assert chat is not None
            trial.rows = trace.rows_of(chat)
            trial.taken_at = Event.objects.get(chat_id=chat, type="handoff").created_at.timestamp() - offset
            wrong += [f"{chat}: {fault}" for fault in trace.faults(trial.client, trial.rows)]
    return wrong


async def measure(place: Ground, house: "House", benchmark: Benchmark, *, trials: int) -> None:
    found: list[Trial] = []
    chance, agent = random.Random(1), await talk.apart(lambda: house.scripted(SCRIPT))

    async def one(number: int) -> None:
        address = place.address(WEBS[number % 2], agent.id)
        found.append(await take_over(address, house, chance))

    await talk.several(trials, one, at_once=AT_ONCE)
    await asyncio.sleep(10)  # longer than a whole reply would have taken
    wrong = await talk.apart(lambda: judged(house, found))
    for fault in wrong[:40]:
        print(f"  FAULT {fault}")
    tell(benchmark, found, wrong)


def tell(benchmark: Benchmark, found: list[Trial], wrong: list[str]) -> None:
    silent = [trial.silent_after * 1000 for trial in found]
    told = [trial.told_after * 1000 for trial in found]
    benchmark.record("trials", [len(found)])
    benchmark.record("text stops, p50", [statistics.median(silent)], "ms")
    benchmark.bound(benchmark.record("text stops, p95", [faults.quantile(silent, 0.95)], "ms"), "<=", STOPS)
    benchmark.record("text stops, latest", [max(silent)], "ms")
    benchmark.record("visitor is told, p50", [statistics.median(told)], "ms")
    benchmark.record("visitor is told, p95", [faults.quantile(told, 0.95)], "ms")
    benchmark.bound(benchmark.record("late deltas", [sum(trial.late for trial in found)]), "<=", 0)
    benchmark.bound(
        benchmark.record("answers saved after it", [sum(trial.is_saved for trial in found)]), "<=", 0
    )
    benchmark.bound(benchmark.record("chats with a fault", [faults.chats(wrong)]), "<=", 0)


def main() -> int:
    parser = harness.parser(__doc__)
    parser.add_argument("--trials", type=int, default=1000, help="(default %(default)s)")
    chosen = parser.parse_args()
    benchmark = Benchmark("takeover")
    with ground.prepared() as place:
        asyncio.run(measure(place, place.house(), benchmark, trials=chosen.trials))
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
