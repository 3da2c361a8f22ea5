"""What staff see comes right by itself after a fault, and nobody stays whose line is dead."""

from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.client import connect

from chatwithus.embedded import Services
from consumers.base import GIVEN_UP, Consumer
from consumers.dashboard import DashboardConsumer
from consumers.heartbeat import Heartbeat
from consumers.inbox import InboxConsumer
from tests.bare import serving
from tests.consumers.test_base import close_code
from tests.locks import cut_who_waits, locked
from tests.server import Server, wait_until
from tests.staff import inbox
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


@pytest.mark.parametrize("kind", [InboxConsumer, DashboardConsumer])
async def test_staff_who_say_nothing_are_parted_from_too(houses: Houses, kind: type[Consumer]) -> None:
    class Own(kind):  # type: ignore[valid-type, misc]  # a class that is given
        heartbeat = Heartbeat(every=0.1, patience=0.3)

    async def door(connection: dict[str, Any], receive: Any, send: Any) -> None:
        with houses[0].scope():
            await Own.as_asgi()({**connection, "user": houses[0].user}, receive, send)

    async with serving(door) as running, connect(running.url) as client:
        assert await close_code(client) == GIVEN_UP
