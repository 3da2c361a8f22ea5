"""The stream of deltas in Valkey: what its client gets wrong must not keep a server from stopping."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from apps.chats import events, relay
from apps.tenants import valkey
from tests.world import House


async def test_a_stream_is_bounded_and_does_not_outlive_its_chat_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay, "MOST", 100)
    name, client = relay.key(uuid4().hex, uuid4().hex), valkey.client()
    writing = relay.Writing(name, 1)
    for index in range(500):
        writing.entries.append(events.delta(1, 1, index, f"w{index} "))
        await relay._append([writing])
    assert 100 <= await client.xlen(name) <= 200  # Valkey drops a hundred at a time
    assert 0 < await client.ttl(name) <= relay.TTL
    fenced = relay.key(uuid4().hex, uuid4().hex)
    await relay.fence(fenced, 2)
    assert 0 < await client.ttl(fenced) <= relay.TTL


async def test_a_cancellation_that_the_client_swallows_still_ends_the_tail(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before Python 3.12 `asyncio.wait_for` can swallow one, and a server that stops would wait for ever."""

    async def swallow(work: Any, timeout: float) -> Any:  # noqa: ASYNC109  (asyncio's own signature)
        with suppress(asyncio.CancelledError):
            asyncio.current_task().cancel()  # type: ignore[union-attr]
            await asyncio.sleep(0)
        return await work

    await relay.tail().follow("cwu:log:nobody:nothing", 1, lambda entries: None)
    task = relay.tail()._task
    assert task is not None
    monkeypatch.setattr(asyncio, "wait_for", swallow)
    async with asyncio.timeout(10):
        await asyncio.wait([task])
