"""Rings: heard in every loop and process, soon after they were rung, also when Valkey was away in between."""

import asyncio
import uuid
from uuid import UUID

import orjson
import pytest
from django.db import transaction

from apps.chats import bell, conversations, hub, replies
from apps.chats.bell import Ring
from apps.chats.events import ENDS, Position
from apps.chats.signals import exchange_recorded
from apps.tenants import valkey
from apps.tenants.hops import hop
from tests.chats.elsewhere import Elsewhere
from tests.chats.test_replies import ask, told
from tests.world import House


async def heard_next(kind: list[Ring], count: int = 1) -> None:
    async with asyncio.timeout(10):
        while len(kind) < count:  # noqa: ASYNC110  (rings come from a thread)
            await asyncio.sleep(0.01)


async def connected() -> bell.Ear:
    ear = bell.ear()
    async with asyncio.timeout(10):
        while not ear.is_connected:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return ear


def rung(house: House) -> list[Ring]:
    """What is rung of this house from here on, whatever the servers of other tests ring."""
    heard: list[Ring] = []
    bell.ear().listeners.append(lambda one: heard.append(one) if one.tenant_id == house.tenant.id else None)
    return heard


async def test_a_ring_is_heard_here_and_in_other_loops(house: House, other: Elsewhere) -> None:
    here = rung(house)
    chat = uuid.uuid4()

    async def ring() -> None:
        bell.ring(house.tenant.id, chat, 7)

    await other.do(ring())
    await heard_next(here)
    assert here == [Ring(house.tenant.id, chat, 7)]


async def test_a_ring_of_another_process_comes_over_the_channel(house: House) -> None:
    await connected()
    here = rung(house)
    chat = uuid.uuid4()
    packed = f'["somebody","{house.tenant.id.hex}","{chat.hex}",9,null]'
    await valkey.client().publish(bell.CHANNEL, packed)
    await heard_next(here)
    assert here == [Ring(house.tenant.id, chat, 9)]


async def test_nonsense_on_the_channel_is_passed_over(house: House) -> None:
    ear, here = await connected(), rung(house)
    for nonsense in (b"", b"{}", b"[1,2,3]", b'["a","b","c",1,null]', b"\xff\x00"):
        await valkey.client().publish(bell.CHANNEL, nonsense)
    chat = uuid.uuid4()
    await valkey.client().publish(bell.CHANNEL, f'["x","{house.tenant.id.hex}","{chat.hex}",1,null]')
    await heard_next(here)
    assert here == [Ring(house.tenant.id, chat, 1)]
    assert ear.is_connected


async def test_listeners_of_a_tenant_hear_no_other(house: House, houses: tuple[House, House]) -> None:
    _, globex = houses
    await connected()
    mine: list[uuid.UUID] = []
    end = bell.listen(house.tenant.id, mine.append)
    chat = uuid.uuid4()
    bell.ring(globex.tenant.id, uuid.uuid4(), 1)
    bell.ring(house.tenant.id, chat, 1)
    async with asyncio.timeout(10):
        while not mine:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    end()
    bell.ring(house.tenant.id, chat, 2)
    await bell.flushed()
    await asyncio.sleep(0)
    assert mine == [chat]


async def test_what_two_tenants_ring_of_no_chat_reaches_both(
    house: House, houses: tuple[House, House]
) -> None:
    tenants = {house.tenant.id.hex, houses[1].tenant.id.hex}
    async with valkey.client().pubsub() as channel:
        await channel.subscribe(bell.CHANNEL)
        for _ in range(20):
            bell.ring(house.tenant.id, bell.NO_CHAT, 1)
            bell.ring(houses[1].tenant.id, bell.NO_CHAT, 1)
            await bell.flushed()
            missing = set(tenants)
            async with asyncio.timeout(10):
                while missing:
                    heard = await channel.get_message(ignore_subscribe_messages=True, timeout=10)
                    missing -= {orjson.loads(heard["data"])[1]} if heard else set()


async def test_listeners_are_told_that_they_may_have_missed_something(house: House) -> None:
    await connected()
    mine: list[uuid.UUID] = []
    end = bell.listen(house.tenant.id, mine.append)
    await valkey.client().client_kill_filter(_type="pubsub")
    async with asyncio.timeout(10):
        while bell.NO_CHAT not in mine:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    end()


class Undone(Exception):
    """Why a transaction fails after all was written."""


async def test_nobody_hears_of_what_was_rolled_back(house: House) -> None:
    """Neither those who listen, nor who reads the chat, nor whoever judges what was said."""
    await connected()
    heard = rung(house)
    judged: list[UUID] = []
    first = await ask(house)
    chat, holder = first.log.chat_id, await replies.here().lease.hold()
    await told(first)
    feed = await hub.follow(chat, Position(3))

    def undone() -> None:
        with transaction.atomic():
            conversations.ask(chat, "Never said", client_message_id="m2", holder=holder)
            raise Undone

    def note(exchange_id: UUID, **_: object) -> None:
        judged.append(exchange_id)

    exchange_recorded.connect(note)
    with pytest.raises(Undone):
        await hop(undone)()
    assert judged == []
    second = await ask(house, "Said", chat=chat, message="m3")
    seqs: list[int] = []
    async for entry in feed:
        seqs += [entry.seq] if entry.seq else []
        if entry.type in ENDS:
            break
    feed.close()
    exchange_recorded.disconnect(note)
    await heard_next(heard, 4)
    assert (seqs, [one.seq for one in heard]) == ([4, 5, 6], [2, 3, 5, 6])
    assert set(judged) == {second.asked.exchange.id}
