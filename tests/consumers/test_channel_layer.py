"""The channel layer as it is set up, on the run's Valkey: nobody who joins in a crowd is left outside, and nobody is lost in a
quiet while longer than redis-py's own time limit of five seconds."""

import asyncio
from typing import Any
from uuid import uuid4

from channels.layers import channel_layers
from django.conf import settings

LISTENERS, IDLE, PATIENCE = 200, 8.0, 5.0


async def reached(layer: Any) -> int:
    """How many of 200 that joined at once hear one message after a quiet while."""
    group, joined = f"test_{uuid4().hex}", asyncio.Semaphore(0)

    async def listen() -> str:
        name = await layer.new_channel()
        await layer.group_add(group, name)
        joined.release()
        heard: dict[str, str] = await layer.receive(name)
        return heard["type"]

    listening = [asyncio.create_task(listen()) for _ in range(LISTENERS)]
    for _ in range(LISTENERS):
        await joined.acquire()
    await asyncio.sleep(IDLE)
    await layer.group_send(group, {"type": "test.said"})
    done, left = await asyncio.wait(listening, timeout=PATIENCE)
    for task in left:
        task.cancel()
    await asyncio.wait(listening)
    await layer.flush()
    return sum(task.result() == "test.said" for task in done)


async def test_two_hundred_that_joined_at_once_are_reached_after_a_quiet_while() -> None:
    layer = channel_layers.make_backend("default")
    assert await reached(layer) == LISTENERS


def test_it_is_pub_sub_with_the_options_that_keep_them() -> None:
    layer: dict[str, Any] = settings.CHANNEL_LAYERS["default"]
    assert layer["BACKEND"].endswith(".RedisPubSubChannelLayer")
    [host] = layer["CONFIG"]["hosts"]
    assert host["socket_timeout"] is None
    assert host["max_connections"] >= 10_000
