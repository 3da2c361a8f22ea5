"""Whether replies survive: `python -m benchmarks.faults [--streams 200] [--kills 200 --messages 4000] [--seed 1]`.

First, streams whose socket is torn after every single frame and resumed on the other process. Then visitors who go on talking
while web processes, the worker, Valkey and PostgreSQL are killed with -9 at random and started again.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import ground, harness, talk
from benchmarks.ground import VICTIMS, WEBS, Ground
from benchmarks.harness import Benchmark
from benchmarks.talk import Told
from tests.client import Client, Frame

if TYPE_CHECKING:
    from tests.world import House

CUT = "tokens=40 rate=12 first=0.02 text=unicode"  # slow enough to come back before the next token
KILLED = "tokens=40 rate=25 first=0.05 text=salted"
STREAMS_AT_ONCE = 3
RESUME, IN_FLIGHT = 250.0, 0.8
UNCUT = {"welcome", "ping", "error"}


@dataclass
class Kills:
    """What was killed, and how often a delta was on its way then: anywhere, and, of web processes, from the one that died."""

    victims: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    webs: int = 0
    in_victim: int = 0
    streams: list[int] = field(default_factory=list)


async def cut_everywhere(place: Ground, house: "House", *, streams: int) -> Told:
    """Each stream loses its socket after each of its frames, and comes back to the other process."""
    told, agent = Told(), await talk.apart(lambda: house.scripted(CUT))
    addresses = [place.address(name, agent.id) for name in WEBS]

    async def one(number: int) -> None:
        first = addresses[number % 2 :] + addresses[: number % 2]
        client = Client(*first, origin=house.origin, cut=lambda frame: frame["type"] not in UNCUT)
        async with client:
            name = await client.ask("Go on")
            told.clients.append(client)
            told.sent.append([name])
            await asyncio.wait_for(client.until(lambda transcript: transcript.is_settled(name)), talk.STUCK)

    await talk.several(streams, one, at_once=STREAMS_AT_ONCE)
    return told


def tell_cuts(benchmark: Benchmark, told: Told, faults: list[str], place: Ground) -> None:
    found = list(talk.resumes(told.clients))
    spans = sorted(took * 1000 for _, took, _, _ in found)
    missing, repeated = characters(told.clients)
    elsewhere = sum(place.pid_at(before, at) != place.pid_at(after, at) for at, _, before, after in found)
    benchmark.record("cut: streams", [len(told.clients)])
    benchmark.record("cut: resumes", [len(found)])
    benchmark.bound(benchmark.record("cut: resumed at another process", [elsewhere / len(found)]), ">=", 1)
    benchmark.bound(benchmark.record("cut: characters missing", [missing]), "<=", 0)
    benchmark.bound(benchmark.record("cut: characters repeated", [repeated]), "<=", 0)
    benchmark.bound(benchmark.record("cut: chats with a fault", [chats(faults)]), "<=", 0)
    benchmark.record("cut: texts asked for again", [talk.refetched(told.clients)])
    benchmark.record("cut: resume p50", [statistics.median(spans)], "ms")
    benchmark.bound(benchmark.record("cut: resume p99", [quantile(spans, 0.99)], "ms"), "<=", RESUME)


def characters(clients: list[Client]) -> tuple[int, int]:
    """Of the scripted text, how many a client lacks at the end, and how many it was sent a second time in one telling."""
    missing = repeated = 0
    for client in clients:
        expected = len(scripted_text())
        missing += sum(max(0, expected - len(one.response)) for one in client.transcript.exchanges.values())
        repeated += _told_twice([seen.frame for seen in client.trace if seen.way == "received"])
    return missing, repeated


def scripted_text() -> str:
    from tests.scripted import answer

    return answer(CUT)


def _told_twice(frames: list[Frame]) -> int:
    told, twice = set[tuple[int, int, int]](), 0
    for frame in frames:
        if frame["type"] == "reply.started":
            told = {name for name in told if name[0] != frame["exchange"]}
        elif frame["type"] == "reply.delta":
            name = (frame["exchange"], frame["epoch"], frame["index"])
            twice += len(frame["text"]) if name in told else 0
            told.add(name)
    return twice


async def talk_under_fire(
    place: Ground, house: "House", *, kills: int, messages: int, visitors: int, chance: random.Random
) -> tuple[Told, Kills]:
    """Talk until so many messages are answered and so many processes have died, whichever comes last."""
    told, shots, live = Told(), Kills(), set[Client]()
    agent = await talk.apart(lambda: house.scripted(KILLED))
    addresses = [place.address(name, agent.id) for name in WEBS]
    shooting = asyncio.create_task(shoot(place, kills, shots, live, chance))

    def is_over() -> bool:
        return told.messages >= messages and shooting.done()

    async def talking() -> None:
        while not is_over():
            await talk.visit(told, addresses, house, chance=chance, live=live, is_over=is_over)

    await asyncio.gather(shooting, *(talking() for _ in range(visitors)))
    return told, shots


async def shoot(place: Ground, kills: int, shots: Kills, live: set[Client], chance: random.Random) -> None:
    """Kill when all is well and at least one reply is being told, at a random moment; then bring the dead one back. Everyone dies
    once before anyone dies twice."""
    deck: list[str] = []
    for number in range(kills):
        deck = deck or chance.sample(VICTIMS, len(VICTIMS))
        await place.is_ready()
        await talk.comes_true(lambda: any(map(is_streaming, live)))
        await asyncio.sleep(chance.random())
        victim = deck.pop()
        streaming = [client for client in live if is_streaming(client)]
        shots.victims[victim] += 1
        shots.streams.append(len(streaming))
        shots.in_flight += bool(streaming)
        place.kill(victim)
        if victim in WEBS:
            shots.webs += 1
            shots.in_victim += any(is_at(place, victim, client) for client in streaming)
        print(f"  kill {number + 1}: {victim}, {len(streaming)} streaming", flush=True)
        await asyncio.sleep(chance.random() / 2)
        place.bury(victim)
        place.start(victim)
    await place.is_ready()


def is_streaming(client: Client) -> bool:
    return any(one.state == "running" and one.parts for one in client.transcript.exchanges.values())


def is_at(place: Ground, name: str, client: Client) -> bool:
    return f":{place.ports[name]}/" in client.address


def tell_kills(benchmark: Benchmark, told: Told, shots: Kills, faults: list[str], place: Ground) -> None:
    killed = sum(shots.victims.values())
    found = list(talk.resumes(told.clients))
    elsewhere = sum(place.pid_at(before, at) != place.pid_at(after, at) for at, _, before, after in found)
    benchmark.record("kill: messages", [told.messages])
    benchmark.record("kill: kills", [killed])
    benchmark.bound(
        benchmark.record("kill: while a delta was in flight", [shots.in_flight / killed]), ">=", IN_FLIGHT
    )
    benchmark.record("kill: of web processes, while it sent one", [shots.in_victim / max(1, shots.webs)])
    benchmark.record("kill: replies in flight at a kill", shots.streams)
    benchmark.record("kill: replies begun again", [begun_again(told.clients)])
    silences = talk.silences(told.clients)
    benchmark.record("kill: longest pause in a reply, p50", [statistics.median(silences)], "s")
    benchmark.record("kill: longest pause in a reply, p99", [quantile(silences, 0.99)], "s")
    benchmark.record("kill: longest pause in any reply", [silences[-1]], "s")
    benchmark.record("kill: texts asked for again", [talk.refetched(told.clients)])
    benchmark.record("kill: replies that failed", [len(failures(told.clients))])
    benchmark.record("kill: resumes", [len(found)])
    benchmark.record("kill: resumed at another process", [elsewhere / max(1, len(found))])
    benchmark.bound(
        benchmark.record("kill: acknowledged messages lost", [count(faults, "was acknowledged", "lost")]),
        "<=",
        0,
    )
    benchmark.bound(benchmark.record("kill: messages out of order", [count(faults, "out of order")]), "<=", 0)
    benchmark.bound(
        benchmark.record("kill: replies with two ends or none", [count(faults, "ended under", "stuck")]),
        "<=",
        0,
    )
    benchmark.bound(benchmark.record("kill: visitors left waiting", [told.stuck]), "<=", 0)
    benchmark.bound(benchmark.record("kill: texts that differ", [count(faults, " shows ", "hash")]), "<=", 0)
    benchmark.bound(benchmark.record("kill: chats with any fault", [chats(faults)]), "<=", 0)
    if codes := Counter(failures(told.clients)):
        benchmark.note(f"failed: {', '.join(f'{code} {times}' for code, times in codes.items())}")
    benchmark.note(f"killed: {', '.join(f'{name} {times}' for name, times in sorted(shots.victims.items()))}")


def begun_again(clients: list[Client]) -> int:
    starts = Counter(
        (id(client), frame["exchange"])
        for client in clients
        for frame in client.transcript.log
        if frame["type"] == "reply.started" and frame.get("seq") is not None
    )
    return sum(times - 1 for times in starts.values())


def failures(clients: list[Client]) -> list[str]:
    """The codes of replies that ended as failed."""
    told = (frame for client in clients for frame in client.transcript.log)
    return [frame["code"] for frame in told if frame["type"] == "reply.failed"]


def count(faults: list[str], *words: str) -> int:
    return sum(any(word in fault for word in words) for fault in faults)


def chats(faults: list[str]) -> int:
    return len({fault.split(":")[0] for fault in faults})


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def measure(place: Ground, house: "House", chosen: argparse.Namespace, benchmark: Benchmark) -> None:
    faults: list[str] = []
    if chosen.streams:
        began = time.monotonic()
        told = await cut_everywhere(place, house, streams=chosen.streams)
        faults += await talk.judged(told, house)
        tell_cuts(benchmark, told, faults, place)
        benchmark.note(f"cutting took {time.monotonic() - began:.0f} s")
    if chosen.kills:
        began = time.monotonic()
        told, shots = await talk_under_fire(
            place,
            house,
            kills=chosen.kills,
            messages=chosen.messages,
            visitors=chosen.visitors,
            chance=random.Random(chosen.seed),
        )
        await talk.apart(ground.forget_connections)
        found = await talk.judged(told, house)
        tell_kills(benchmark, told, shots, found, place)
        benchmark.note(f"killing took {time.monotonic() - began:.0f} s")
        faults += found
    for fault in faults[:40]:
        print(f"  FAULT {fault}")
    if faults and chosen.logs:
        ground.kept_log(place, chosen.logs)


def main() -> int:
    parser = harness.parser(__doc__)
    parser.add_argument(
        "--streams", type=int, default=200, help="to cut at every frame (default %(default)s)"
    )
    parser.add_argument("--kills", type=int, default=200, help="of processes (default %(default)s)")
    parser.add_argument(
        "--messages", type=int, default=4000, help="meanwhile, at least (default %(default)s)"
    )
    parser.add_argument("--visitors", type=int, default=12, help="who talk (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of what is random (default %(default)s)")
    parser.add_argument("--logs", type=Path, help="folder for the processes' logs where a fault was found")
    chosen = parser.parse_args()
    benchmark = Benchmark("faults")
    with ground.prepared(worker=chosen.kills > 0) as place:
        house = place.house()
        asyncio.run(measure(place, house, chosen, benchmark))
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
