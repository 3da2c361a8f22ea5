"""What a token costs on its way: `python -m benchmarks.stream [--repeat 5]`. 200 streams of 50 tokens a second through the whole product
(admission, tenant, PostgreSQL, Valkey), and the same tokens through the bare servers of `benchmarks.bare`, one after another in each round.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from apps.chats.coalescer import WINDOW
from benchmarks import harness, room
from benchmarks.harness import ROOT, Benchmark
from benchmarks.listeners import Heard, Plan
from benchmarks.listening import listening
from chatwithus import embedded
from chatwithus.embedded.cluster import free_port

STREAMS, RATE = 200, 50.0
FLAT_STREAMS, FLAT_TOKENS = 50, 60_000  # fewer are over before there is anything to measure
# Tokens by their rate: at 50 a second more of them would only take longer.
ANSWERS = {0.0: 2_000, 500.0: 2_000, 50.0: 500}
WINDOW_MS = WINDOW * 1000
BARE = ("library", "tokens", "frames")
SETTINGS = {"PROVIDERS": "scripted=benchmarks.paced.Paced", "FIRST_TOKEN_SECONDS": "120"}
QUESTIONS = (
    "How long do I have to send something back?",
    "What does delivery cost?",
    "Can you repair my tent?",
    "Which shops are open on Sunday?",
    "How do I wash a down jacket?",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A server that streams."""

    url: str
    origin: str
    pid: int
    window: float = WINDOW
    lead: float = 1.0
    is_silent: bool = False

    def streams(self, **plan: Any) -> Heard:
        own = {"window": self.window, "lead": self.lead, "is_silent": self.is_silent}
        told = Plan(self.url, self.origin, self.pid, **{**own, **plan})
        command = [sys.executable, "-m", "benchmarks.listeners", json.dumps(asdict(told))]
        heard = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
        return Heard(**json.loads(heard))


@contextmanager
def bare(kind: str) -> Iterator[Place]:
    port = free_port()
    with listening(["-m", "benchmarks.bare", kind, str(port)], port) as pid:
        window = 0.0 if kind == "tokens" else WINDOW
        yield Place(f"ws://127.0.0.1:{port}/", "http://127.0.0.1", pid, window, is_silent=kind == "silent")


@contextmanager
def product(services: embedded.Services, house: Any, *, lead: float) -> Iterator[Place]:
    with room.serving(services, **SETTINGS) as web:
        url = f"ws://127.0.0.1:{web.port}/ws/chat/{house.agent.id}"
        yield Place(url, house.origin, web.pid, lead=lead)


Rounds = dict[str, list[Heard]]


def rounds(places: dict[str, Place], *, repeat: int, **plan: Any) -> Rounds:
    """Everybody once, and again."""
    found = defaultdict[str, list[Heard]](list)
    for _ in range(repeat):
        for name, place in places.items():
            found[name].append(place.streams(**plan))
    return found


def tell_delays(benchmark: Benchmark, found: Rounds) -> None:
    ours, library = found["ours"], found["library"]
    for name in ("ours", "library"):
        for what in ("frame_p50", "frame_p99", "token_p50"):
            benchmark.record(f"{name}: {what}", [getattr(one, what) for one in found[name]], "ms")
    pairs = list(zip(ours, library, strict=True))
    p50 = benchmark.record("frame p50: ours ÷ library", [one.frame_p50 / two.frame_p50 for one, two in pairs])
    p99 = benchmark.record(
        "frame p99: ours ÷ max(3 × library, 20 ms)",
        [one.frame_p99 / max(3 * two.frame_p99, 20) for one, two in pairs],
    )
    token = benchmark.record(
        "token p50: ours - 1.5 × library's frame",
        [one.token_p50 - 1.5 * two.frame_p50 for one, two in pairs],
        "ms",
    )
    benchmark.bound(p50, "<=", 1.5)
    benchmark.bound(p99, "<=", 1)
    benchmark.bound(token, "<=", WINDOW_MS)


def tell_costs(benchmark: Benchmark, found: Rounds) -> None:
    costs = {name: [one.cpu / one.cpu_tokens * 1e6 for one in heard] for name, heard in found.items()}
    for name, values in costs.items():
        benchmark.record(f"{name}: CPU per token", values, "µs")
    whole = [one.whole_cpu / one.tokens * 1e6 for one in found["ours"]]
    benchmark.record("ours: CPU per token, asking and saving included", whole, "µs")
    alone = [one / two for one, two in zip(costs["frames"], costs["tokens"], strict=True)]
    benchmark.record("CPU per token: frames ÷ tokens", alone)
    for name, limit in (("tokens", 0.6), ("frames", 1.3)):
        ratio = [one / two for one, two in zip(costs["ours"], costs[name], strict=True)]
        benchmark.bound(benchmark.record(f"CPU per token: ours ÷ {name}", ratio), "<=", limit)


def tell_speed(benchmark: Benchmark, found: Rounds) -> None:
    speeds = {name: [one.tokens / one.seconds / 1000 for one in heard] for name, heard in found.items()}
    for name, values in speeds.items():
        benchmark.record(f"{name}: flat out", values, "1,000/s")
    ratio = [one / two for one, two in zip(speeds["ours"], speeds["frames"], strict=True)]
    benchmark.bound(benchmark.record("flat out: ours ÷ frames", ratio), ">=", 0.75)


def tell_wire(benchmark: Benchmark, place: Place) -> None:
    for rate, tokens in ANSWERS.items():
        heard = place.streams(streams=1, tokens=tokens, rate=rate, lead=0.5, spread=0)
        pace = f"{rate:g} tokens/s" if rate else "flat out"
        measure = benchmark.record(f"bytes on the wire ÷ text, {pace}", [heard.wire / heard.text])
        if not rate:
            benchmark.bound(measure, "<=", 1.3)


async def first_tokens(url: str, origin: str, *, times: int) -> list[float]:
    """Milliseconds from sending a question to the first of its answer, one after another, each in a chat of its own."""
    found = []
    for number in range(times + 3):
        async with connect(url, origin=origin, compression=None) as socket:  # type: ignore[arg-type]
            await socket.send('{"type":"hello"}')
            await socket.recv()
            took = await _first_token(socket, QUESTIONS[number % len(QUESTIONS)])
            found += [took] if number >= 3 else []
    return found


async def _first_token(socket: ClientConnection, question: str) -> float:
    told = {"type": "message.send", "client_message_id": str(uuid.uuid4()), "text": question}
    began = time.monotonic()
    await socket.send(json.dumps(told))
    while json.loads(await socket.recv())["type"] != "reply.delta":
        pass
    took = (time.monotonic() - began) * 1000
    while json.loads(await socket.recv())["type"] != "reply.completed":
        pass
    return took


def tell_first_tokens(benchmark: Benchmark, place: Place, learned: str, *, repeat: int, times: int) -> None:
    urls = {"without retrieval": (place.url, 5), "with retrieval": (learned, 20)}
    found = defaultdict[str, list[float]](list)
    for _ in range(repeat):
        for name, (url, _) in urls.items():
            took = asyncio.run(first_tokens(url, place.origin, times=times))
            found[name].append(statistics.median(took))
    for name, (_, limit) in urls.items():
        benchmark.bound(benchmark.record(f"first token {name}, p50", found[name], "ms"), "<=", limit)


def learned(house: Any) -> str:
    """An agent that has read the demo's help centre."""
    from chatwithus.management.commands.open_demo import HELP_CENTRE  # needs Django's settings

    agent = house.scripted("")
    for document in sorted(HELP_CENTRE.glob("*.md")):
        house.knows(document.read_text(encoding="utf-8"), name=document.stem, agents=(agent.id,))
    return str(agent.id)


def main() -> int:
    parser = harness.parser(__doc__)
    parser.add_argument(
        "--seconds", type=float, default=6, help="of streaming in a round (default %(default)s)"
    )
    parser.add_argument(
        "--lead",
        type=float,
        default=8,
        help="seconds for 200 questions, before an answer (default %(default)s)",
    )
    chosen = parser.parse_args()
    benchmark = Benchmark("stream")
    with room.furnished() as services, ExitStack() as stack:
        house = room.house(provider="scripted", model="")
        agent = learned(house)
        ours = stack.enter_context(product(services, house, lead=chosen.lead))
        places = {"ours": ours} | {name: stack.enter_context(bare(name)) for name in BARE}
        tell_first_tokens(
            benchmark,
            ours,
            ours.url.replace(str(house.agent.id), agent),
            repeat=chosen.repeat,
            times=20,
        )
        tell_wire(benchmark, ours)
        tokens = round((chosen.seconds + 2) * RATE)
        paced = rounds(
            places, repeat=chosen.repeat, streams=STREAMS, tokens=tokens, rate=RATE, seconds=chosen.seconds
        )
        flat = {name: places[name] for name in ("ours", "frames")}
        fast = rounds(flat, repeat=chosen.repeat, streams=FLAT_STREAMS, tokens=FLAT_TOKENS, rate=0, spread=0)
        tell_delays(benchmark, paced)
        tell_costs(benchmark, paced)
        tell_speed(benchmark, fast)
    benchmark.note(f"{STREAMS} streams of {RATE:g} tokens a second; {FLAT_STREAMS} flat out.")
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
