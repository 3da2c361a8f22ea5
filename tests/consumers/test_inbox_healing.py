"""What staff see comes right by itself after a fault, and nobody stays whose line is dead."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from channels.db import database_sync_to_async
from websockets.asyncio.client import ClientConnection, connect

from apps.chats import bell
from apps.chats.models import Chat
from chatwithus.embedded import Services
from consumers.base import GIVEN_UP, Consumer
from consumers.dashboard import DashboardConsumer
from consumers.heartbeat import Heartbeat
from consumers.inbox import InboxConsumer
from tests.bare import PATIENCE, serving, until
from tests.consumers.test_base import close_code
from tests.locks import cut_who_waits, locked
from tests.server import Server, wait_until
from tests.staff import inbox
from tests.valkeys import own_valkey
from tests.world import House

Houses = tuple[House, House]


def test_a_list_that_could_not_be_read_when_an_answer_ended_is_right_soon_after(
    production: Server, houses: Houses, services: Services
) -> None:
    """Nothing else happens that would ring for it: it would say for ever that the agent is writing."""
    acme = replace(houses[0], agent=houses[0].scripted("tokens=40 stall=5"))
    with inbox(production, acme) as staff, production.visitor(acme) as visitor:
        staff.say("inbox.filter", filter="agent")
        visitor.say("message.send", client_message_id="m1", text="Is anybody there?")
        chat = str(visitor.hear("ack")["chat"])
        staff.see(chat, is_answering=True)
        with locked(services, "chats_visitor") as other:
            visitor.say("reply.stop")
            visitor.hear("reply.cancelled")
            wait_until(lambda: cut_who_waits(other, "chats_visitor"))
        staff.see(chat, is_answering=False)


async def snapshot_with(client: ClientConnection, chat: UUID) -> None:
    """Until one comes that shows this chat."""
    async with asyncio.timeout(PATIENCE):
        while True:
            told = json.loads(await client.recv())
            if told["type"] == "snapshot" and str(chat) in {row["chat"] for row in told["latest"]}:
                return


@asynccontextmanager
async def watched(house: House, heartbeat: Heartbeat) -> AsyncIterator[ClientConnection]:
    """A dashboard in this process, past its first snapshot."""
    kind: Any = type("Own", (DashboardConsumer,), {"heartbeat": heartbeat})

    async def door(connection: dict[str, Any], receive: Any, send: Any) -> None:
        with house.scope():
            await kind.as_asgi()(connection, receive, send)

    async with serving(door) as running, connect(running.url) as client:
        assert json.loads(await client.recv())["type"] == "snapshot"
        yield client


@database_sync_to_async
def happens(house: House) -> UUID:
    """Something that no snapshot tells of, as when that was lost."""
    with house.scope():
        return Chat.objects.create(agent=house.agent, visitor="v_lost").id


async def test_a_dashboard_comes_right_by_itself_when_valkey_is_back(
    houses: Houses, services: Services, settings: Any
) -> None:
    """Long before the next ping."""
    with own_valkey(services) as own:
        settings.REDIS_URL = own.url
        layer = settings.CHANNEL_LAYERS["default"]
        hosts = [{**layer["CONFIG"]["hosts"][0], "address": own.url}]
        settings.CHANNEL_LAYERS = {"default": {**layer, "CONFIG": {**layer["CONFIG"], "hosts": hosts}}}
        async with watched(houses[0], Heartbeat(every=3600, patience=3600)) as client:
            await until(lambda: bell.ear().is_connected)
            own.die()
            await until(lambda: not bell.ear().is_connected)
            own.come_back()
            await snapshot_with(client, await happens(houses[0]))


async def test_a_snapshot_that_was_lost_for_no_reason_is_made_up_for_at_the_next_ping(houses: Houses) -> None:
    async with watched(houses[0], Heartbeat(every=0.5, patience=3600)) as client:
        await snapshot_with(client, await happens(houses[0]))


async def test_a_dashboard_to_which_nothing_is_new_is_told_nothing(houses: Houses) -> None:
    async with watched(houses[0], Heartbeat(every=0.1, patience=3600)) as client:
        told = [json.loads(await client.recv())["type"] for _ in range(10)]
        assert set(told) == {"ping"}


@pytest.mark.parametrize("kind", [InboxConsumer, DashboardConsumer])
async def test_staff_who_say_nothing_are_parted_from_too(houses: Houses, kind: type[Consumer]) -> None:
    class Own(kind):  # type: ignore[valid-type, misc]  # a class that is given
        heartbeat = Heartbeat(every=0.1, patience=0.3)

    async def door(connection: dict[str, Any], receive: Any, send: Any) -> None:
        with houses[0].scope():
            await Own.as_asgi()({**connection, "user": houses[0].user}, receive, send)

    async with serving(door) as running, connect(running.url) as client:
        assert await close_code(client) == GIVEN_UP
