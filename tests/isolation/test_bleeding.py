"""Two tenants' requests and frames, interleaved over few connections, some failing and some cancelled: each is answered as who it is."""

import asyncio
import random
from typing import Any
from uuid import uuid4

import orjson

from chatwithus.isolation import walls
from chatwithus.isolation.browser import Socket, request
from tests.world import House

REQUESTS, AT_ONCE, FRAMES = 2000, 8, 200


def test_every_request_is_answered_as_its_own_tenant(houses: tuple[House, House]) -> None:
    from chatwithus.asgi import application

    with walls.no_limits():  # all come from one address
        asyncio.run(_interleave(application, houses))


async def _interleave(application: Any, houses: tuple[House, House]) -> None:
    chance, gate = random.Random(5), asyncio.Semaphore(AT_ONCE)
    mismatches: list[str] = []

    async def one(number: int) -> None:
        house = houses[number % 2]
        async with gate:
            asking = asyncio.ensure_future(_ask(application, house, number))
            if number % 10 == 7:
                await asyncio.sleep(chance.random() / 200)
                asking.cancel()
            try:
                mismatches.extend(await asking)
            except asyncio.CancelledError:
                return

    await asyncio.gather(
        *(one(number) for number in range(REQUESTS)),
        *(_converse(application, house, mismatches) for house in houses),
    )
    assert mismatches == []


async def _ask(application: Any, house: House, number: int) -> list[str]:
    """What was wrong with the answer."""
    if number % 10 == 3:  # fails halfway
        answer = await request(application, "GET", f"/api/v1/chats/{uuid4()}", headers=house.headers)
        return [] if answer.status == 404 else [f"{answer.status} instead of 404"]
    answer = await request(application, "GET", "/api/v1/openai/models", headers=house.headers)
    owners = {one["owned_by"] for one in orjson.loads(answer.body)["data"]}
    return [] if owners == {house.tenant.slug} else [f"{owners} for {house.tenant.slug}"]


async def _converse(application: Any, house: House, mismatches: list[str]) -> None:
    socket = Socket(application, f"/ws/chat/{house.agent.id}", {"origin": house.origin})
    assert await socket.opened()
    for number in range(FRAMES):
        await socket.say('{"type":"hello"}')
        await socket.settle(lambda heard, number=number: sum('"welcome"' in text for text in heard) > number)
    told = [orjson.loads(text) for text in socket.heard if '"welcome"' in text]
    mismatches.extend(frame["agent"]["name"] for frame in told if frame["agent"]["id"] != str(house.agent.id))
    await socket.leave()
    assert len(told) == FRAMES
