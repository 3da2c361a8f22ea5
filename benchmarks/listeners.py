"""The listeners of `benchmarks.stream`, in a process of their own: `python -m benchmarks.listeners PLAN`, a line of JSON.

While it streams they only keep what comes with the instant at which it came; it is read when all is over, so that their own work
delays nothing. They end with one line of JSON."""

import asyncio
import gc
import json
import random
import re
import statistics
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import uvloop
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from apps.chats.coalescer import WINDOW
from benchmarks import paced, usage

ENDED = re.compile(rb'"type":"reply\.(?:completed|failed|cancelled)"').search
PATIENCE = 60.0
LATE = 1.0  # seconds; who begins later than that was asked too late, and nothing is measured
HEADER = 4  # bytes before the payload of most frames
Part = tuple[float, bytes]


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is listened to, `streams` at once; each begins within `spread` seconds of the moment `lead` seconds after they are
    asked for. Delays and CPU are of the `seconds` after that, in which all of them stream; 0 where they are not asked after."""

    url: str
    origin: str
    pid: int
    streams: int
    tokens: int
    rate: float
    window: float = WINDOW
    seconds: float = 0.0
    lead: float = 8.0
    spread: float = 1.0
    is_silent: bool = False  # nothing is told but the end

    @property
    def script(self) -> str:
        return f"tokens={self.tokens} rate={self.rate:g} text=lorem"


class Listener(asyncio.Protocol):
    """One visitor's socket."""

    transport: asyncio.Transport

    def __init__(self, plan: Plan) -> None:
        self.protocol = ClientProtocol(parse_uri(plan.url), origin=plan.origin, max_size=None)  # type: ignore[arg-type]
        self.parts: list[Part] = []
        self.at = 0.0
        self.heard = asyncio.Event()
        self.has_ended = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.protocol.send_request(self.protocol.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        self.parts.append((time.monotonic(), data))
        if not self.heard.is_set():
            self.heard.set()
        if ENDED(data):
            self.has_ended.set()

    def say(self, kind: str, **fields: Any) -> None:
        self.protocol.send_text(json.dumps({"type": kind, **fields}).encode())
        self._flush()

    async def enter(self) -> None:
        """Past the handshake and the welcome."""
        await self._answer()
        list(self.frames())
        assert self.protocol.state is OPEN, self.protocol.handshake_exc
        self.say("hello")
        await self._answer()
        list(self.frames())

    def ask(self, script: str, *, at: float) -> None:
        self.at = round(at, 3)
        text = paced.question(script, at=self.at)
        self.say("message.send", client_message_id=str(uuid.uuid4()), text=text)

    def frames(self) -> Iterator[Part]:
        """What has come and was not read yet, frame by frame."""
        parts, self.parts = self.parts, []
        for at, data in parts:
            self.protocol.receive_data(data)
            for event in self.protocol.events_received():
                if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                    yield at, bytes(event.data)

    async def _answer(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.heard.wait()
        self.heard.clear()

    def _flush(self) -> None:
        self.transport.write(b"".join(self.protocol.data_to_send()))


@dataclass(frozen=True, slots=True)
class Heard:
    """What a crowd of listeners was told; delays in milliseconds, CPU seconds of the server and what it told meanwhile."""

    frame_p50: float
    frame_p99: float
    token_p50: float
    cpu: float
    cpu_tokens: int
    whole_cpu: float
    tokens: int
    seconds: float
    wire: int
    text: int


class Reading:
    """Every delta of one listener, against the schedule."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.frame_delays: list[float] = []
        self.token_delays: list[float] = []
        self.tokens = self.in_time = self.wire = self.text = 0
        self.last_at = 0.0

    def read(self, listener: Listener, since: float, until: float) -> None:
        said, kind = 0, ""
        for at, data in listener.frames():
            self.wire += len(data) + HEADER
            frame = json.loads(data)
            kind = frame["type"]
            if kind != "reply.delta":
                continue
            self.text += len(frame["text"].encode())
            count = frame["text"].count(" ")
            self._judge(listener.at, at, said, count, since, until)
            said += count
        if said != self.plan.tokens:
            sys.exit(f"A listener was told {said} of {self.plan.tokens} tokens, and then {kind}.")
        self.tokens += said

    def _judge(self, began: float, at: float, said: int, count: int, since: float, until: float) -> None:
        if not said and at > began + LATE:
            sys.exit("The server was still busy with the questions when it was to answer: say --lead.")
        self.last_at = max(self.last_at, at)
        if since <= at < until:
            self.in_time += count
        if not self.plan.rate:
            return
        due = [began + number / self.plan.rate for number in range(said, said + count)]
        if since <= due[0] < until:
            ready = due[0] + (self.plan.window if said else 0)
            self.frame_delays.append((at - ready) * 1000)
            self.token_delays += [(at - one) * 1000 for one in due]


async def listen(plan: Plan) -> Heard:
    listeners = [await _entered(plan) for _ in range(plan.streams)]
    gc.freeze()
    gc.disable()
    before = usage.cpu_seconds(plan.pid)
    began = await _asked(plan, listeners)
    since, until = began + plan.spread, began + plan.spread + plan.seconds
    await _until(since)
    cpu = usage.cpu_seconds(plan.pid)
    await _until(until)
    cpu = usage.cpu_seconds(plan.pid) - cpu
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(listener.has_ended.wait() for listener in listeners))
    whole = usage.cpu_seconds(plan.pid) - before
    reading = Reading(plan)
    for listener in listeners:
        if not plan.is_silent:
            reading.read(listener, since, until)
        listener.transport.abort()
    if plan.is_silent:
        reading.in_time = reading.tokens = round(plan.streams * plan.rate * plan.seconds)
    return _heard(reading, began=began, cpu=cpu, whole_cpu=whole)


async def _entered(plan: Plan) -> Listener:
    address, loop = parse_uri(plan.url), asyncio.get_running_loop()
    _, listener = await loop.create_connection(lambda: Listener(plan), address.host, address.port)
    await listener.enter()
    return listener


async def _asked(plan: Plan, listeners: Sequence[Listener]) -> float:
    """Ask for all streams, evenly over half of the lead; returns when the first is due."""
    began = round(time.monotonic() + plan.lead, 3)
    for listener in listeners:
        listener.ask(plan.script, at=began + random.random() * plan.spread)
        await asyncio.sleep(plan.lead / 2 / plan.streams)
    return began


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


def _heard(reading: Reading, *, began: float, cpu: float, whole_cpu: float) -> Heard:
    return Heard(
        frame_p50=_quantile(reading.frame_delays, 50),
        frame_p99=_quantile(reading.frame_delays, 99),
        token_p50=_quantile(reading.token_delays, 50),
        cpu=cpu,
        cpu_tokens=reading.in_time,
        whole_cpu=whole_cpu,
        tokens=reading.tokens,
        seconds=reading.last_at - began,
        wire=reading.wire,
        text=reading.text,
    )


def _quantile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1] if len(values) > 1 else 0.0


def main() -> None:
    plan = Plan(**json.loads(sys.argv[1]))
    print(json.dumps(asdict(uvloop.run(listen(plan)))), flush=True)


if __name__ == "__main__":
    main()
