"""Visitors who talk, each through the reference client, and what became of what they were told."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from channels.db import database_sync_to_async

from tests import trace
from tests.client import Client

if TYPE_CHECKING:
    from tests.world import House

Result = TypeVar("Result")
Over = Callable[[], bool]
STUCK = 90.0
EXCHANGES = 10


@dataclass
class Told:
    """Visitors who have finished; `sent` is each one's messages in the order in which they were sent."""

    clients: list[Client] = field(default_factory=list)
    sent: list[list[str]] = field(default_factory=list)
    stuck: int = 0

    @property
    def messages(self) -> int:
        return sum(map(len, self.sent))


async def visit(
    told: Told,
    addresses: Sequence[str],
    house: "House",
    *,
    chance: random.Random,
    live: set[Client],
    is_over: Over,
) -> None:
    """One chat of some messages; now and then two at once, which are answered in their order."""
    shuffled = chance.sample(addresses, len(addresses))
    client, names = Client(*shuffled, origin=house.origin), list[str]()
    live.add(client)
    told.clients.append(client)
    told.sent.append(names)
    try:
        async with client:
            while len(names) < EXCHANGES and not (names and is_over()):
                for _ in range(chance.choice((1, 1, 1, 2))):
                    names.append(await client.ask(f"Question {len(names)}"))
                await _answered(client, names)
    except TimeoutError:
        told.stuck += 1
    finally:
        live.discard(client)


async def _answered(client: Client, names: list[str]) -> None:
    async with asyncio.timeout(STUCK):
        await client.until(lambda transcript: all(map(transcript.is_settled, names)))


async def several(count: int, work: Callable[[int], Awaitable[None]], *, at_once: int) -> None:
    """Do `work(number)` for each number, so many at a time."""
    numbers = iter(range(count))

    async def take() -> None:
        for number in numbers:
            await work(number)

    await asyncio.gather(*(take() for _ in range(at_once)))


async def comes_true(holds: Callable[[], bool]) -> None:
    """Wait for something that other processes do and nobody tells of."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def judged(told: Told, house: "House") -> list[str]:
    """Everything that is wrong with any of these chats."""

    def judge() -> list[str]:
        with house.scope():
            return list(_judgements(told))

    return await apart(judge)


async def apart(work: Callable[[], Result]) -> Result:
    """Ask the database in a thread."""
    result: Result = await database_sync_to_async(work)()
    return result


def _judgements(told: Told) -> Iterator[str]:
    for client, names in zip(told.clients, told.sent, strict=True):
        if client.transcript.chat is None:
            yield "a chat never began"
            continue
        rows = trace.rows_of(client.transcript.chat)
        for fault in [*trace.faults(client, rows), *_disorder(names, rows)]:
            yield f"{client.transcript.chat}: {fault}"


def _disorder(names: list[str], rows: trace.Rows) -> Iterator[str]:
    recorded = [one["client_message_id"] for one in rows.exchanges]
    lost = [name for name in names if name not in recorded]
    if lost:
        yield f"messages are lost: {lost}"
    elif recorded != names:
        yield "messages are out of order"


def refetched(clients: Iterable[Client]) -> int:
    """Texts whose hash was not the one that was told, so that they were asked for again."""
    return sum(one.is_refetched for client in clients for one in client.transcript.exchanges.values())


def silences(clients: Iterable[Client]) -> list[float]:
    """The longest pause in each reply, in seconds: between any two frames of it that a visitor received."""
    longest = dict[tuple[int, int], float]()
    for client in clients:
        last = dict[int, float]()
        for seen in client.trace:
            kind, number = seen.frame.get("type", ""), seen.frame.get("exchange", 0)
            if seen.way == "received" and kind.startswith("reply."):
                name = (id(client), number)
                longest[name] = max(longest.get(name, 0.0), seen.at - last.get(number, seen.at))
                last[number] = seen.at
    return sorted(longest.values())


def resumes(clients: Iterable[Client]) -> Iterator[tuple[float, float, str, str]]:
    """Each time a client came back: when it began to connect, how long until it had the first frame that it had missed, the
    address where it was welcome before and the one it came to."""
    for client in clients:
        began, address, before = 0.0, "", ""
        is_resuming = False
        for seen in client.trace:
            kind = seen.frame.get("type")
            if seen.way == "connect":
                began, address, is_resuming = seen.at, seen.frame["address"], False
            elif seen.way == "sent" and kind == "hello":
                is_resuming = "resume" in seen.frame
            elif seen.way == "received" and is_resuming and kind not in {"welcome", "ping", "ack"}:
                is_resuming = False
                yield began, seen.at - began, before, address
            if seen.way == "received" and not is_resuming:
                before = address
