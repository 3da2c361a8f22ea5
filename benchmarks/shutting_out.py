"""How soon somebody is out who may not be in any more: `python -m benchmarks.shutting_out [--rounds 40]`.

In each round a tenant's visitors, staff and programs are connected, one visitor says something every 100 ms, and then an UPDATE in the
database shuts them out: without a push over Valkey, so that only the poll finds it, and in every second round with one."""

import asyncio
import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from benchmarks import faults, harness, room, talk
from benchmarks.harness import Benchmark
from benchmarks.room import Web

OUT = 1000.0  # ms
VISITORS, STAFF, PROGRAMS = 8, 2, 2
EVERY, TALKS = 0.1, 1.0
PATIENCE = 20.0


@dataclass
class Round:
    """`late` are messages that were sent after the commit and acknowledged all the same."""

    committed_at: float = 0.0
    closed: dict[str, list[float]] = field(default_factory=dict)
    sent: dict[str, float] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)

    @property
    def late(self) -> int:
        return sum(self.sent[name] > self.committed_at for name in self.acknowledged)

    def note(self, kind: str) -> None:
        self.closed.setdefault(kind, []).append((time.monotonic() - self.committed_at) * 1000)


def shut_out(house: Any, *, push: bool) -> float:
    """When it was committed, at the latest."""
    from django.utils import timezone

    from apps.tenants.models import Tenant

    if push:
        house.tenant.suspended_at = timezone.now()
        house.tenant.save()
    else:
        Tenant.objects.filter(id=house.tenant.id).update(suspended_at=timezone.now())
    return time.monotonic()


def cookie_of(house: Any) -> str:
    """A session as somebody has it who signed in and came into this house."""
    from django.conf import settings
    from django.test import Client

    browser = Client()
    browser.force_login(house.user)
    session = browser.session
    session["tenant_id"] = str(house.tenant.id)
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


async def visit(web: Web, house: Any, found: Round, ready: Callable[[], None], *, talks: bool) -> None:
    address = f"ws://127.0.0.1:{web.port}/ws/chat/{house.agent.id}"
    async with connect(address, origin=Origin(house.origin), max_queue=None) as socket:
        await socket.send(json.dumps({"type": "hello"}))
        await _heard(socket, "welcome")
        ready()
        saying = asyncio.create_task(_talk(socket, found)) if talks else None
        await _until_closed(socket, found)
        found.note("visitors")
        if saying is not None:
            saying.cancel()


async def work(web: Web, cookie: str, found: Round, ready: Callable[[], None]) -> None:
    origin = Origin(f"http://127.0.0.1:{web.port}")
    headers = {"Cookie": cookie}
    async with connect(
        f"ws://127.0.0.1:{web.port}/ws/inbox", origin=origin, additional_headers=headers
    ) as socket:
        ready()
        await _until_closed(socket, found)
        found.note("staff")


async def follow(web: Web, house: Any, found: Round, ready: Callable[[], None]) -> None:
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{web.port}", headers=house.headers, timeout=PATIENCE
    ) as program:
        asked = await program.post("/api/v1/chat", json={"agent": str(house.agent.id), "message": "Hello?"})
        chat = asked.raise_for_status().json()["session_id"]
        async with program.stream("GET", f"/api/v1/chats/{chat}/events") as stream:
            chunks = stream.aiter_raw()
            await anext(chunks)
            ready()
            async for _ in chunks:
                pass
            found.note("programs")


async def _talk(socket: ClientConnection, found: Round) -> None:
    for number in itertools.count():
        found.sent[f"m{number}"] = time.monotonic()
        await socket.send(
            json.dumps({"type": "message.send", "client_message_id": f"m{number}", "text": "Still here?"})
        )
        await asyncio.sleep(EVERY)


async def _heard(socket: ClientConnection, kind: str) -> None:
    while json.loads(await socket.recv())["type"] != kind:
        pass


async def _until_closed(socket: ClientConnection, found: Round) -> None:
    try:
        while True:
            frame = json.loads(await socket.recv())
            if frame["type"] == "ack":
                found.acknowledged.add(frame["client_message_id"])
    except ConnectionClosed:
        return


async def once(web: Web, *, push: bool) -> Round:
    house, found = await talk.apart(room.house), Round()
    cookie = await talk.apart(lambda: cookie_of(house))
    inside, waiting = asyncio.Event(), itertools.count(1)

    def ready() -> None:
        if next(waiting) == VISITORS + STAFF + PROGRAMS:
            inside.set()

    people = [
        *(visit(web, house, found, ready, talks=number == 0) for number in range(VISITORS)),
        *(work(web, cookie, found, ready) for _ in range(STAFF)),
        *(follow(web, house, found, ready) for _ in range(PROGRAMS)),
    ]
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        for one in people:
            group.create_task(one)
        await inside.wait()
        await asyncio.sleep(TALKS)
        found.committed_at = await talk.apart(lambda: shut_out(house, push=push))
    return found


async def measure(web: Web, benchmark: Benchmark, rounds: int) -> None:
    await once(web, push=False)  # the first is not counted: everything is imported then
    found = [await once(web, push=number % 2 == 1) for number in range(rounds)]
    for kind in ("visitors", "staff", "programs"):
        _tell(benchmark, f"{kind} out", [value for one in found for value in one.closed[kind]])
    _tell(benchmark, "found by the poll alone", _all(found[::2]))
    _tell(benchmark, "after a push", _all(found[1::2]))
    benchmark.record("messages sent after the commit", [sum(_sent_late(one) for one in found)])
    benchmark.bound(benchmark.record("of them acknowledged", [sum(one.late for one in found)]), "<=", 0)


def _all(rounds: list[Round]) -> list[float]:
    return [value for one in rounds for values in one.closed.values() for value in values]


def _sent_late(one: Round) -> int:
    return sum(at > one.committed_at for at in one.sent.values())


def _tell(benchmark: Benchmark, name: str, values: list[float]) -> None:
    benchmark.record(f"{name}, p50", [statistics.median(values)], "ms")
    benchmark.bound(benchmark.record(f"{name}, p99", [faults.quantile(values, 0.99)], "ms"), "<=", OUT)


def main() -> int:
    parser = harness.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="(default %(default)s)")
    chosen = parser.parse_args()
    benchmark = Benchmark("shutting-out")
    with room.furnished() as services, room.serving(services) as web:
        asyncio.run(measure(web, benchmark, chosen.rounds))
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
