"""The body of a streaming response, by itself."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from contextvars import ContextVar

from apps.api.sse import AHEAD, Body, Numbered
from apps.chats import events, hub
from apps.chats.entries import STARTED, Entry, Position

AROUND: ContextVar[str] = ContextVar("around", default="nobody")


def body(told: AsyncGenerator[Entry, None], *, ping: float = 10.0) -> Body:
    return Body(told, Numbered(Position(0)), first=b"first", ping=ping)


async def test_entries_follow_the_first_words_each_under_its_position() -> None:
    async def told() -> AsyncGenerator[Entry, None]:
        yield Entry(STARTED, "{}", 4, 2, 3)
        yield events.delta(2, 3, 0, "Hello")

    written = b"".join([chunk async for chunk in body(told())])
    assert written.startswith(b"firstid: 4.2.3.-1\nevent: reply.started\ndata: {}\n\nid: 4.2.3.0\n")
    assert written.endswith(b'"text":"Hello"}\n\n')


async def test_silence_is_broken_by_pings() -> None:
    spoken = asyncio.Event()

    async def told() -> AsyncGenerator[Entry, None]:
        await spoken.wait()
        yield events.delta(1, 1, 0, "Hello")

    chunks: list[bytes] = []
    async for chunk in body(told(), ping=0.001):
        chunks.append(chunk)
        if chunks.count(b": ping\n\n") == 3:
            spoken.set()
    assert b"Hello" in chunks[-1]


async def test_the_entries_are_read_in_the_context_of_who_made_the_body() -> None:
    async def told() -> AsyncGenerator[Entry, None]:
        yield events.delta(1, 1, 0, AROUND.get())

    token = AROUND.set("acme")
    made = body(told())
    AROUND.reset(token)
    assert b"acme" in b"".join([chunk async for chunk in made])


async def test_a_body_that_is_left_leaves_its_entries() -> None:
    left = asyncio.Event()

    async def told() -> AsyncGenerator[Entry, None]:
        try:
            while True:
                yield events.delta(1, 1, 0, "Hello")
        finally:
            left.set()

    async with aclosing(aiter(body(told()))) as chunks:  # type: ignore[type-var]
        await anext(chunks)
        await anext(chunks)
    await left.wait()


async def test_a_body_that_django_closes_in_its_thread_leaves_its_entries() -> None:
    left = asyncio.Event()

    async def told() -> AsyncGenerator[Entry, None]:
        try:
            yield events.delta(1, 1, 0, "Hello")
            await asyncio.Event().wait()
        finally:
            left.set()

    made = body(told())
    chunks = aiter(made)
    await anext(chunks)
    await anext(chunks)
    await asyncio.to_thread(made.close)
    await left.wait()


async def test_nothing_is_read_far_ahead_of_who_takes_it() -> None:
    read = 0

    async def told() -> AsyncGenerator[Entry, None]:
        nonlocal read
        while True:
            read += 1
            yield events.delta(1, 1, 0, "Hello")

    async with aclosing(aiter(body(told()))) as chunks:  # type: ignore[type-var]
        await anext(chunks)
        await anext(chunks)
        for _ in range(AHEAD * 10):
            await asyncio.sleep(0)
        assert read <= AHEAD * 3


async def test_a_reader_who_fell_behind_is_let_go() -> None:
    async def told() -> AsyncGenerator[Entry, None]:
        yield events.delta(1, 1, 0, "Hello")
        raise hub.TooSlow

    assert b"Hello" in b"".join([chunk async for chunk in body(told())])
