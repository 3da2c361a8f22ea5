"""Who may not be here any more is out within a second, and nothing that they say meanwhile is acted on."""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.utils import timezone
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from apps.agents.models import Agent
from apps.chats.models import Chat, ContentChat, Note
from apps.tenants import access, roles, watch
from apps.tenants.access import Admitted
from apps.tenants.actors import Actor
from apps.tenants.hops import hop
from apps.tenants.models import ApiKey, Membership, Tenant
from tests.server import PATIENCE, Server, Visitor
from tests.staff import cookie_of, inbox
from tests.tokens import signed, vouching
from tests.world import PASSWORD, House

Houses = tuple[House, House]
SOON = 1.0  # seconds within which a change takes effect


@pytest.fixture
def server(production: Server) -> Server:
    return production


def closed(connection: ClientConnection) -> tuple[int, float]:
    """The code with which the server closes, and when it did."""
    with pytest.raises(ConnectionClosed) as ending:
        while True:
            connection.recv(timeout=PATIENCE)
    assert ending.value.rcvd is not None
    return ending.value.rcvd.code, time.monotonic()


def is_open(visitor: Visitor) -> bool:
    visitor.say("ping")
    return bool(visitor.hear("pong"))


def suspend(house: House) -> None:
    Tenant.objects.filter(id=house.tenant.id).update(suspended_at=timezone.now())


def suspend_with_a_push(house: House) -> None:
    house.tenant.suspended_at = timezone.now()
    house.tenant.save()


def take_origin_away(house: House) -> None:
    Tenant.objects.filter(id=house.tenant.id).update(allowed_origins=["https://other.example"])


def delete_agent(house: House) -> None:
    with house.scope():
        Agent.objects.filter(id=house.agent.id).delete()


@pytest.mark.timely
@pytest.mark.parametrize("change", [suspend, suspend_with_a_push, take_origin_away, delete_agent])
def test_a_visitor_is_shut_out_within_a_second(
    server: Server, houses: Houses, change: Callable[[House], None]
) -> None:
    acme, globex = houses
    with server.visitor(acme) as visitor, server.visitor(globex) as neighbour:
        visitor.ask("Is anybody there?")
        change(acme)
        began = time.monotonic()
        code, at = closed(visitor.connection)
        assert (code, at - began < SOON) == (4401, True)
        assert is_open(neighbour)
        assert neighbour.ask("And there?")[-1]["type"] == "reply.completed"


def test_no_message_is_accepted_after_the_commit_that_suspends(server: Server, houses: Houses) -> None:
    """Sent as fast as they can be: none that was sent after the commit is acknowledged, answered or kept."""
    acme, _ = houses
    with server.visitor(acme) as visitor:
        visitor.ask("Is anybody there?")
        suspend(acme)
        try:
            for number in range(2000):
                visitor.say("message.send", client_message_id=f"late-{number}", text="Still here?")
                visitor.say("feedback", exchange=1, value=-1)
                visitor.say("handoff.request")
        except ConnectionClosed:
            pass
        heard = rest_of(visitor)
    assert {frame["type"] for frame in heard} <= {"ping", "error"}
    with acme.scope():
        assert list(ContentChat.objects.values_list("request", "feedback")) == [("Is anybody there?", None)]
        assert Chat.objects.get().handled_by == "agent"


def rest_of(visitor: Visitor) -> list[dict[str, Any]]:
    heard = []
    try:
        while True:
            heard.append(visitor.next())
    except ConnectionClosed:
        return heard


@pytest.mark.timely
def test_a_reply_that_runs_is_told_no_further(server: Server, houses: Houses) -> None:
    acme, _ = houses
    agent = acme.scripted("tokens=400 rate=50")
    with server.visitor(acme, agent=agent) as visitor:
        visitor.say("message.send", client_message_id="m1", text="Go on")
        visitor.hear("reply.delta")
        suspend(acme)
        began = time.monotonic()
        assert closed(visitor.connection)[1] - began < SOON


@pytest.mark.timely
def test_a_visitors_socket_ends_with_the_token(server: Server, houses: Houses) -> None:
    """However busy the visitor was: the lifetime is absolute."""
    acme = vouching(houses[0])
    until = int(time.time()) + 3
    with server.visitor(acme, jwt=signed(acme, exp=until)) as visitor:
        token = visitor.welcome["token"]
        accepted = asked = 0
        with pytest.raises(ConnectionClosed) as ending:
            while time.time() < until + PATIENCE:
                visitor.say("message.send", client_message_id=f"m{asked}", text="And now?")
                asked += 1
                visitor.hear("ack")
                accepted += 1
                assert time.time() < until + 0.5, "acknowledged after the end"
                time.sleep(0.1)
        assert ending.value.rcvd is not None
        assert (ending.value.rcvd.code, accepted > 0) == (4401, True)
        assert time.time() < until + SOON
    with server.visitor(acme, token=token) as stranger:
        assert stranger.welcome["token"] != token
        assert stranger.welcome["messages"] == []


def test_a_new_identity_secret_shuts_out_who_was_vouched_for_by_the_old_one(
    server: Server, houses: Houses
) -> None:
    acme = vouching(houses[0])
    with server.visitor(acme, jwt=signed(acme)) as visitor, server.visitor(acme) as anonymous:
        token = visitor.welcome["token"]
        chat = visitor.ask("Is anybody there?")[0]["chat"]
        vouching(acme, "the-secret-that-came-after-the-first-one")
        assert closed(visitor.connection)[0] == 4401
        assert is_open(anonymous)
    with server.visitor(acme, token=token, chat=chat) as returned:
        assert (returned.welcome["chat"], returned.welcome["token"] != token) == (None, True)


def remove(house: House, user: Any) -> None:
    with house.scope():
        Membership.objects.filter(user=user).delete()


def deactivate(house: House, user: Any) -> None:
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)


def change_password(house: House, user: Any) -> None:
    user.set_password("another correct horse")
    user.save()


def sign_out(house: House, user: Any) -> None:
    for session in Session.objects.all():
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()


def require_two_factor(house: House, user: Any) -> None:
    Tenant.objects.filter(id=house.tenant.id).update(requires_two_factor=True)


def employed(house: House) -> Any:
    user = house.colleague("staff")
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.mark.timely
@pytest.mark.parametrize(
    "change",
    [remove, deactivate, change_password, sign_out, require_two_factor, lambda house, user: suspend(house)],
)
@pytest.mark.parametrize("path", ["/ws/inbox", "/ws/dashboard"])
def test_staff_are_shut_out_within_a_second(
    server: Server, houses: Houses, path: str, change: Callable[[House, Any], None]
) -> None:
    acme, globex = houses
    user = employed(acme)
    headers = {"Cookie": cookie_of(server, user.username)}
    with (
        server.socket(path, origin=server.url, additional_headers=headers) as connection,
        inbox(server, globex) as neighbour,
    ):
        connection.send(json.dumps({"type": "ping"}))
        change(acme, user)
        began = time.monotonic()
        code, at = closed(connection)
        assert (code, at - began < SOON) == (4401, True)
        assert is_open(neighbour)


def test_no_deed_of_staff_is_done_after_the_commit_that_removes_them(server: Server, houses: Houses) -> None:
    acme, _ = houses
    user = employed(acme)
    with server.visitor(acme) as visitor, inbox(server, acme, username=user.username) as staff:
        chat = visitor.ask("Is anybody there?")[0]["chat"]
        staff.say("take_over", chat=chat)
        visitor.hear("handoff")
        remove(acme, user)
        try:
            for number in range(200):
                for kind in ("message.send", "note"):
                    staff.say(kind, chat=chat, client_message_id=f"{kind}-{number}", text="Late")
                for kind in ("hand_back", "resolve", "take_over"):
                    staff.say(kind, chat=chat)
        except ConnectionClosed:
            pass
        assert closed(staff.connection)[0] == 4401
    with acme.scope():
        found = Chat.objects.get(id=chat)
        assert (found.handled_by, found.assignee_id, found.resolved_at) == ("staff", user.pk, None)
        assert not ContentChat.objects.filter(response="Late").exists()
        assert not Note.objects.exists()


def test_who_has_lost_an_ability_stays_without_it_and_goes_with_the_one_that_is_needed(
    houses: Houses,
) -> None:
    acme, _ = houses
    ended: list[int] = []
    reader = frozenset({"chats.read"})
    before = Admitted(acme.tenant, "staff", roles.of("staff"), Actor("user"))
    stay = watch.Stay(before, lambda: ended.append(1), "chats.read", lambda: ended.append(2))
    stay.answered(Admitted(acme.tenant, "staff", reader, Actor("user")))
    assert (stay.admitted.may("chats.answer"), stay.is_over, ended) == (False, False, [])
    stay.answered(Admitted(acme.tenant, "staff", frozenset(), Actor("user")))
    assert (stay.is_over, ended) == (True, [1])


@pytest.mark.timely
def test_a_key_that_expires_is_asked_about_when_it_does(houses: Houses) -> None:
    acme, _ = houses
    with acme.scope():
        _, secret = ApiKey.mint("Brief", ["chat"], timezone.now() + timedelta(seconds=1.5))

    async def stay() -> float:
        admitted = await hop(access.by_key)(secret)
        assert admitted is not None
        over = asyncio.Event()
        held = watch.here().hold(admitted, over.set)
        began = time.monotonic()
        await asyncio.wait_for(over.wait(), 10)
        watch.here().leave(held)
        return time.monotonic() - began

    assert 1.0 < asyncio.run(stay()) < 3.0
