"""What waiting visitors are told of the line, and what their widget may offer."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

from apps.agents import widgets
from apps.chats import handoff
from apps.chats.models import Chat
from tests.server import Server, Visitor
from tests.staff import inbox
from tests.world import House

Houses = tuple[House, House]


def until(visitor: Visitor, kind: str, **wanted: Any) -> dict[str, Any]:
    frame = visitor.next()
    while frame["type"] != kind or any(frame[name] != value for name, value in wanted.items()):
        frame = visitor.next()
    return frame


def test_who_waits_is_told_their_place_and_whether_anybody_is_there(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.visitor(acme) as first, server.visitor(acme) as second:
        first.say("handoff.request")
        assert until(first, "queue")["attended"] is False
        second.say("handoff.request")
        assert until(second, "queue")["position"] == 2
        with inbox(server, acme):
            assert until(second, "queue", attended=True)["position"] == 2
            asyncio.run(take_over(acme, longest_waiting(acme)))
            assert until(second, "queue", position=1)["attended"] is True


def longest_waiting(house: House) -> UUID:
    with house.scope():
        return Chat.objects.filter(handled_by="waiting").order_by("waiting_since")[0].id


async def take_over(house: House, chat: UUID) -> None:
    with house.scope():
        await handoff.take_over(chat, house.user)


def test_what_is_not_offered_is_not_shown_and_not_done(server: Server, houses: Houses) -> None:
    acme, _ = houses
    silent = replace(acme, agent=acme.scripted("tokens=3"))
    with acme.scope():
        widgets.change(silent.agent, offers=["feedback"])
    with server.visitor(silent) as visitor:
        assert visitor.welcome["offers"] == ["context", "feedback", "frames", "fresh"]
        visitor.say("handoff.request")
        assert until(visitor, "error")["code"] == "not_offered"
        visitor.say("message.send", client_message_id="c1", text="Go on")
        until(visitor, "reply.completed")
        for frame in ({"kind": "csat", "value": 5}, {"kind": "email", "address": "a@example.org"}):
            visitor.say(**frame)
            assert until(visitor, "error")["code"] == "not_offered"
        visitor.say("feedback", exchange=1, value=1)
        assert until(visitor, "feedback")["value"] == 1
    with acme.scope():
        chat = Chat.objects.get(agent=silent.agent)
        assert (chat.handled_by, chat.csat, chat.email) == ("agent", None, "")


def test_what_the_page_says_before_there_is_a_chat_is_kept_for_it(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.visitor(acme) as visitor, inbox(server, acme) as staff:
        visitor.say("context", context={"page": "pricing"}, attributes={"plan": "pro"})
        visitor.say("context", context={"page": ["not", "flat"]})
        assert until(visitor, "error")["field"] == "context"
        visitor.say("message.send", client_message_id="c1", text="Hello")
        chat = until(visitor, "ack")["chat"]
        staff.say("chat.open", chat=chat)
        state = until(staff, "chat.state")["state"]
        while state["context"] != {"page": "pricing"}:
            state = until(staff, "chat.state")["state"]
        assert state["attributes"] == {"plan": "pro"}


def test_nothing_can_be_left_where_there_is_no_chat(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.visitor(acme) as visitor:
        for frame in (
            {"kind": "csat", "value": 5},
            {"kind": "email", "address": "a@example.org"},
            {"kind": "feedback", "exchange": 1, "value": 1},
        ):
            visitor.say(**frame)
            assert until(visitor, "error")["code"] == "no_such_chat"


def test_a_value_that_cannot_be_is_refused_by_name(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.visitor(acme) as visitor:
        visitor.ask("Hello")
        for value in (0, 6, -1, 2.5, True, "4", None):
            visitor.say("csat", value=value)
            assert until(visitor, "error")["field"] == "value"
        visitor.say("csat", value=3, comment="x" * 1001)
        assert until(visitor, "error")["field"] == "comment"
        visitor.say("email", address="nobody")
        assert until(visitor, "error")["code"] == "bad_email"
