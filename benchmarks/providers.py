"""What our layer costs above the clients it drives, how soon nobody works for nobody, whether one organisation can crowd out another,
and ten thousand answers that no server should give.

The servers are ours and local (tests/upstream.py); the clients are the real ones."""

import asyncio
import random
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import uvloop
from django.conf import settings

import benchmarks.unserved  # noqa: F401 (first: it sets Django up)
from apps.agents import attempts
from apps.agents.attempts import Attempts, Heard
from apps.agents.minds import Mind
from apps.agents.providers.base import Connection, Message, Prompt, ProviderError
from benchmarks.harness import Benchmark, parser
from tests import garbage
from tests.upstream import Script, Upstream
from tests.wires import WIRES, Wire

PROMPT = Prompt("m", 0.2, "", (), "q", (), "no", messages=(Message("user", "What is it?"),))
TOKENS = 3000
CANCELLATIONS, STUCK = 1000, 5.0
GREEDY, PLACES, ANSWERS = 100, 8, 150


def mind(wire: Wire, port: int, *, tenant: UUID | None = None, **known: Any) -> Mind:
    return Mind(tenant or uuid4(), wire.provider, "m", wire.connection(port, **known))


async def answered(one: Mind) -> int:
    said: list[str] = []
    await Attempts((one,), PROMPT).tell(Heard(said.append), lambda _: None)
    return len(said)


# Overhead: CPU of this process for a token, ours by the client's alone; the server is another process.


async def _bare_ollama(connection: Connection) -> int:
    pieces = 0
    async for part in await _client(connection).chat("m", [{"role": "user", "content": "q"}], stream=True):
        pieces += bool(part.message.content)
    return pieces


async def _bare_openai(connection: Connection) -> int:
    pieces, told = 0, [{"role": "user", "content": "q"}]
    asking = _client(connection).chat.completions.create
    async for chunk in await asking(
        model="m", messages=told, stream=True, stream_options={"include_usage": True}
    ):
        pieces += bool(chunk.choices and chunk.choices[0].delta.content)
    return pieces


async def _bare_bedrock(connection: Connection) -> int:
    return await asyncio.to_thread(_blocking, connection)


def _blocking(connection: Connection) -> int:
    """As boto3 is meant to be used; the texts stay in its thread, where no reply could tell them."""
    told = [{"role": "user", "content": [{"text": "q"}]}]
    events = _client(connection).converse_stream(modelId="m", messages=told)["stream"]
    return sum(bool(event.get("contentBlockDelta", {}).get("delta", {}).get("text")) for event in events)


@cache
def _client(connection: Connection) -> Any:
    """The official one as it comes."""
    import ollama
    import openai

    from apps.agents.servers import aws

    if connection.region:
        return aws.client(connection)
    if connection.url.endswith("/v1"):
        return openai.AsyncOpenAI(base_url=connection.url, api_key="none", max_retries=0)
    return ollama.AsyncClient(connection.url)


BARE: dict[str, Callable[[Connection], Awaitable[int]]] = {
    "ollama": _bare_ollama,
    "openai": _bare_openai,
    "bedrock": _bare_bedrock,
}


async def cost(ask: Callable[[], Awaitable[int]]) -> float:
    """Microseconds of CPU for a token."""
    began = time.process_time()
    pieces = await ask()
    assert pieces == TOKENS, pieces
    return (time.process_time() - began) / pieces * 1e6


@asynccontextmanager
async def elsewhere(wire: Wire) -> AsyncIterator[int]:
    """The port of a server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.providers", "--serve", wire.provider]
    server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert server.stdout is not None
    try:
        yield int(await server.stdout.readline())
    finally:
        server.kill()
        await server.wait()


async def serve(name: str) -> None:
    async with Upstream(WIRES[name], Script(pieces=("token ",) * TOKENS)) as upstream:
        print(upstream.port, flush=True)
        await asyncio.Event().wait()


async def overhead(benchmark: Benchmark, wires: list[Wire], repeat: int) -> None:
    for wire in wires:
        ours, bare, ratios = [], [], []
        async with elsewhere(wire) as port:
            one = mind(wire, port)
            for number in range(repeat + 1):
                bare.append(await cost(lambda one=one: BARE[one.provider](one.connection)))  # type: ignore[misc]
                ours.append(await cost(lambda one=one: answered(one)))  # type: ignore[misc]
                ratios.append(ours[-1] / bare[-1])
                if number == 0:  # what is loaded once
                    bare, ours, ratios = [], [], []
        benchmark.record(f"{wire.provider}: a token by the client alone", bare, "µs CPU")
        benchmark.record(f"{wire.provider}: a token through our layer", ours, "µs CPU")
        benchmark.bound(benchmark.record(f"{wire.provider}: ours by the client's", ratios), "<=", 1.1)


# Cancellation: how long after the visitor has left the server sees it, whatever it was at.

STAGES = (
    Script(before=60),
    Script(first=60),
    Script(stall_after=1),
    Script(pieces=("w ",) * 10_000, between=0.002),
)


async def cancellation(benchmark: Benchmark, wires: list[Wire]) -> None:
    for wire in wires:
        waits, orphans, threads = [], 0, threading.active_count()
        async with Upstream(wire) as upstream:
            for number in range(CANCELLATIONS):
                upstream.script = STAGES[number % len(STAGES)]
                wait = await _left(upstream, mind(wire, upstream.port), number + 1)
                waits.append(wait)
            await asyncio.sleep(0.2)
            orphans = upstream.running
        waits.sort()
        p99 = benchmark.record(
            f"{wire.provider}: left alone, p99", [waits[len(waits) * 99 // 100] * 1000], "ms"
        )
        benchmark.bound(p99, "<=", 500)
        left = benchmark.record(f"{wire.provider}: orphans of {CANCELLATIONS}", [orphans])
        benchmark.bound(left, "<=", 0)
        if wire.provider == "bedrock":
            await asyncio.sleep(1)
            more = sum(one.name == "bedrock" for one in threading.enumerate())
            benchmark.bound(benchmark.record(f"threads left over, of {threads} before", [more]), "<=", 0)


async def _left(upstream: Upstream, one: Mind, number: int) -> float:
    """Seconds from the cancellation to the server's seeing it."""
    asking = asyncio.create_task(answered(one))
    asked = await upstream.arrival(number)
    await asyncio.sleep(random.choice((0, 0.001, 0.005, 0.01)))
    began = asyncio.get_running_loop().time()
    asking.cancel()
    with suppress(TimeoutError):
        await asyncio.wait_for(asked.gone.wait(), STUCK)
    await asyncio.gather(asking, return_exceptions=True)
    return asked.gone_at - began if asked.gone.is_set() else STUCK


# Fairness: one organisation with a hundred questions at once, another with one after the other, on one server with few places.


class Busy(Upstream):
    """Has room for so many answers; whoever comes beyond waits, first come first served, as Ollama does it."""

    room = asyncio.Semaphore(PLACES)

    async def _say(self, script: Script, asked: Any, writer: asyncio.StreamWriter) -> bool:
        async with self.room:
            return await super()._say(script, asked, writer)


async def fairness(benchmark: Benchmark) -> None:
    settings.PROVIDER_CONCURRENCY = PLACES
    wire = WIRES["ollama"]
    script = Script(pieces=("w ",) * 20, first=0.08, between=0.01)
    async with Busy(wire, script) as upstream:
        alone = await _first_words(mind(wire, upstream.port, is_shared=True))
        crowded = await _beside_a_crowd(wire, upstream, is_shared=True)
    Busy.room = asyncio.Semaphore(PLACES)
    async with Busy(wire, script) as upstream:
        ungated = await _beside_a_crowd(wire, upstream, is_shared=False, answers=15)
    alone_p95 = benchmark.record("first word alone, p95", [p95(alone)], "ms")
    benchmark.record(f"beside another's {GREEDY} at once, p95", [p95(crowded)], "ms")
    benchmark.record("the same without turns, p95", [p95(ungated)], "ms")
    ratio = benchmark.record("beside others by alone", [p95(crowded) / alone_p95.median])
    benchmark.bound(ratio, "<=", 1.3)


async def _beside_a_crowd(
    wire: Wire, upstream: Upstream, *, is_shared: bool, answers: int = ANSWERS
) -> list[float]:
    greedy = mind(wire, upstream.port, is_shared=is_shared)
    crowd = [asyncio.create_task(_for_ever(greedy)) for _ in range(GREEDY)]
    await upstream.arrival(PLACES // 2)
    try:
        return await _first_words(mind(wire, upstream.port, is_shared=is_shared), answers)
    finally:
        for one in crowd:
            one.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)


async def _for_ever(one: Mind) -> None:
    while True:
        with suppress(ProviderError):
            await answered(one)


async def _first_words(one: Mind, answers: int = ANSWERS) -> list[float]:
    """Milliseconds to the first word of each answer."""
    waits = []
    for _ in range(answers):
        began = time.perf_counter()
        with suppress(_Heard):
            await Attempts((one,), PROMPT).tell(Heard(_heard), lambda _: None)
        waits.append((time.perf_counter() - began) * 1000)
    return waits


class _Heard(Exception):
    """The first word was said."""


def _heard(word: str) -> None:
    raise _Heard


def p95(waits: list[float]) -> float:
    return sorted(waits)[len(waits) * 95 // 100]


# Fuzz: what each answer comes to.


async def fuzz(benchmark: Benchmark, wires: list[Wire], cases: int) -> None:
    attempts.PAUSE = 0.0
    ends = {"completed": 0, "failed": 0, "unhandled": 0, "stuck": 0}
    for wire in wires:
        async with Upstream(wire) as upstream:
            for number in range(cases // len(WIRES) + 1):
                upstream.script = garbage.script(wire, number)
                ends[await _end(mind(wire, upstream.port))] += 1
    for how in ("completed", "failed"):
        benchmark.record(f"garbage that {how}", [ends[how]])
    for how in ("unhandled", "stuck"):
        benchmark.bound(benchmark.record(f"garbage: {how} of {sum(ends.values())}", [ends[how]]), "<=", 0)


async def _end(one: Mind) -> str:
    try:
        await asyncio.wait_for(answered(one), STUCK * 2)
        return "completed"
    except ProviderError:
        return "failed"
    except TimeoutError:
        return "stuck"
    except Exception as error:
        print(f"unhandled: {error!r}")
        return "unhandled"


async def measure(benchmark: Benchmark, only: str, *, wires: list[Wire], repeat: int, cases: int) -> None:
    if only in {"", "overhead"}:
        await overhead(benchmark, wires, repeat)
    if only in {"", "cancellation"}:
        await cancellation(benchmark, wires)
    if only in {"", "fairness"}:
        await fairness(benchmark)
    if only in {"", "fuzz"}:
        await fuzz(benchmark, wires, cases)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--serve", choices=sorted(WIRES), help="be the server of one wire")
    arguments.add_argument("--only", default="", help="overhead, cancellation, fairness or fuzz")
    arguments.add_argument("--wire", choices=sorted(WIRES), help="one of the three, for which there is time")
    arguments.add_argument("--cases", type=int, default=10_000, help="of garbage (default %(default)s)")
    given = arguments.parse_args()
    if given.serve:
        uvloop.run(serve(given.serve))
    benchmark = Benchmark("providers")
    wires = [WIRES[given.wire]] if given.wire else list(WIRES.values())
    uvloop.run(measure(benchmark, given.only, wires=wires, repeat=given.repeat, cases=given.cases))
    return benchmark.finish()


if __name__ == "__main__":
    raise SystemExit(main())
