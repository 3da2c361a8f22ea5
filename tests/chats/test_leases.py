"""Which processes live: one row each, by the database's clock, and an id that lapsed is never used again."""

import asyncio

import pytest
from django.conf import LazySettings

from apps.chats import conversations, leases
from apps.chats.leases import Lease
from apps.chats.models import Process
from apps.tenants.hops import hop

alive = hop(conversations.alive)


async def test_a_lease_is_one_row_while_it_is_held(committed: None) -> None:
    lease = Lease()
    assert not lease.is_valid
    first = await lease.hold()
    assert await lease.hold() == first
    assert await lease.renew()
    assert first in await alive()


async def test_an_id_that_lapsed_is_never_used_again(committed: None) -> None:
    lease = Lease()
    first = await lease.hold()
    await hop(Process.objects.filter(id=first).update)(leased_until="2000-01-01T00:00:00Z")
    assert not await lease.renew()
    assert not lease.is_valid
    assert await lease.hold() != first
    assert first not in await alive()


async def test_a_dropped_lease_lets_others_in_at_once(committed: None) -> None:
    lease = Lease()
    first = await lease.hold()
    await lease.drop()
    assert first not in await alive()
    assert not lease.is_valid


async def test_many_who_need_one_at_once_take_one(committed: None) -> None:
    lease = Lease()
    assert len(set(await asyncio.gather(*(lease.hold() for _ in range(20))))) == 1


@pytest.mark.timely
async def test_a_keeper_renews_while_it_is_needed_and_tells_when_it_cannot(
    committed: None, settings: LazySettings
) -> None:
    settings.LEASE_SECONDS = 0.5
    lease, lost = Lease(), asyncio.Event()
    first = await lease.hold()
    keeper = asyncio.create_task(leases.keep(lease, while_needed=lambda: not lost.is_set(), lost=lost.set))
    await asyncio.sleep(1.2)
    assert (lease.id, lease.is_valid) == (first, True)
    await hop(Process.objects.filter(id=first).delete)()
    async with asyncio.timeout(5):
        await keeper
    assert not lease.is_valid


@pytest.mark.parametrize("name", ["_TAKE", "_RENEW", "_DROP"])
def test_every_instant_is_the_databases(name: str) -> None:
    assert "clock_timestamp()" in getattr(leases, name)
