"""What staff may not do over a socket is refused in words, and stands in the audit log; the socket stays."""

import asyncio
import json
from typing import Any

import pytest

from apps.chats import conversations, ledger
from apps.chats.conversations import Opening
from apps.tenants import access, audit
from apps.tenants.access import Admitted, Ticket
from apps.tenants.actors import Actor
from apps.tenants.models import AuditEntry
from consumers import doors
from consumers.base import Consumer
from consumers.inbox import InboxConsumer
from tests.world import House

Houses = tuple[House, House]


class Eager(Consumer):
    """Refuses at once, or in what it started."""

    async def on_refuse(self, frame: dict[str, Any]) -> None:
        raise access.Forbidden("chats.answer")

    async def on_refuse_later(self, frame: dict[str, Any]) -> None:
        async def refuse() -> None:
            raise access.Forbidden("chats.answer")

        self.run(refuse())


def reader_of(house: House) -> Admitted:
    """Somebody who may read alone, whatever the door is asked again."""

    def again() -> Admitted:
        return admitted

    abilities = frozenset({"chats.read"})
    admitted = Admitted(house.tenant, "staff", abilities, Actor("user", "7", "Reader"), Ticket(again, ()))
    return admitted


def answers(consumer: Consumer, admitted: Admitted, frame: dict[str, Any]) -> list[dict[str, Any]]:
    """What this consumer says to a frame."""
    said: list[dict[str, Any]] = []

    async def base_send(message: Any) -> None:
        said.append(json.loads(message["text"]))

    async def talk() -> None:
        consumer.scope = {"path": "/ws/inbox", "user": None}  # type: ignore[typeddict-item]
        consumer.base_send = base_send
        with access.entered(admitted):
            await consumer.receive(json.dumps(frame))
            while consumer._work:
                await asyncio.gather(*consumer._work)

    asyncio.run(talk())
    return said


def refused(house: House) -> list[tuple[str, str, dict[str, Any]]]:
    with house.scope():
        lines = AuditEntry.objects.filter(outcome="refused")
        return [(line.action, line.actor_name, line.facts) for line in lines]


LINE = ("frame.refused", "Reader", {"ability": "chats.answer", "path": "/ws/inbox"})


@pytest.mark.parametrize("kind", ["refuse", "refuse_later"])
def test_a_frame_that_somebody_may_not_send_is_refused_and_written_down(houses: Houses, kind: str) -> None:
    acme, globex = houses
    [said] = answers(Eager(), reader_of(acme), {"type": kind})
    assert (said["type"], said["code"]) == ("error", "forbidden")
    assert refused(acme) == [LINE]
    assert refused(globex) == []


def test_who_may_only_read_takes_no_chat_over(houses: Houses) -> None:
    acme, _ = houses
    opening = Opening(acme.agent.id, "v_reader")
    chat_id = conversations.chat_id_for(opening)
    with acme.scope(), ledger.opened(chat_id, opening=opening):
        pass
    [said] = answers(InboxConsumer(), reader_of(acme), {"type": "take_over", "chat": str(chat_id)})
    assert (said["type"], said["code"], said["chat"]) == ("error", "forbidden", str(chat_id))
    assert refused(acme) == [LINE]
    with acme.scope():
        assert conversations.find(chat_id).handled_by == "agent"


def test_whoever_sends_them_for_ever_fills_no_log(houses: Houses, settings: Any) -> None:
    acme, _ = houses
    settings.LIMITS = {"refusals": (3, 3600)}
    with access.entered(reader_of(acme)):
        for _ in range(10):
            audit.note("frame.refused", outcome=audit.REFUSED)
        audit.note("key.minted")
    assert len(refused(acme)) == 3
    with acme.scope():
        assert AuditEntry.objects.filter(outcome="done").count() == 1


def test_a_socket_that_somebody_may_not_open_is_written_down(houses: Houses) -> None:
    acme, _ = houses
    doors._note_refusal(reader_of(acme), "chats.read", "/ws/inbox")
    assert refused(acme) == [("socket.refused", "Reader", {"ability": "chats.read", "path": "/ws/inbox"})]
