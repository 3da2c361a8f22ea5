"""The stream of deltas in Valkey: what its client gets wrong must not keep a server from stopping."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from apps.chats import relay
from tests.world import House


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
