"""Hops from the event loop to the ORM."""

import asyncio
import threading

import pytest
from django.db import connection

from apps.agents.models import Agent
from apps.tenants import scope
from apps.tenants.hops import hop
from tests.world import House

PATIENCE = 20.0
Houses = tuple[House, House]


async def test_a_slow_hop_holds_up_no_other(houses: Houses) -> None:
    is_over = threading.Event()
    slow = asyncio.create_task(hop(is_over.wait)(PATIENCE))
    async with asyncio.timeout(PATIENCE):
        assert await hop(lambda: 1)() == 1
    assert not slow.done()
    is_over.set()
    await slow


async def test_each_hop_sees_what_its_callers_tenant_may_see(houses: Houses) -> None:
    async def seen(house: House) -> list[str]:
        with house.scope():
            return await hop(lambda: [str(agent.id) for agent in Agent.objects.all()])()

    acme, globex = houses
    found = await asyncio.gather(*(seen(house) for house in (acme, globex) * 20))
    assert found == [[str(acme.agent.id)], [str(globex.agent.id)]] * 20


async def test_without_a_tenant_nothing_is_seen(houses: Houses) -> None:
    with pytest.raises(scope.NoTenant):
        await hop(lambda: list(Agent.objects.all()))()


async def test_a_hop_gives_its_connection_back(houses: Houses) -> None:
    """More hops than there are connections, one after another in many threads."""

    def ask() -> int:
        with scope.unscoped(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return int(cursor.fetchone()[0])

    assert sum(await asyncio.gather(*(hop(ask)() for _ in range(100)))) == 100
    assert await hop(lambda: connection.connection is None)()
