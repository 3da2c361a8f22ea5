"""Visitors whom the tenant vouches for: the same person everywhere, by the tenant's word alone."""

import json
from typing import Any

import pytest

from apps.chats.models import Chat, Visitor
from tests import server as servers
from tests.server import Server
from tests.staff import inbox
from tests.tokens import forged, mutants, signed, vouching
from tests.world import House

Houses = tuple[House, House]


@pytest.fixture
def server(production: Server) -> Server:
    return production


def test_a_person_finds_their_chat_on_another_device(server: Server, houses: Houses) -> None:
    acme = vouching(houses[0])
    with server.visitor(acme, jwt=signed(acme)) as one:
        assert one.welcome["chat"] is None
        chat = one.ask("Where is my parcel?")[0]["chat"]
    with server.visitor(acme, jwt=signed(acme)) as other:
        assert (other.welcome["chat"], other.welcome["recovered"]) == (chat, True)
        assert [one["request"] for one in other.welcome["messages"]] == ["Where is my parcel?"]
        assert other.ask("And now?")[0]["chat"] == chat
    with server.visitor(acme, jwt=signed(acme), chat=chat) as third:
        assert (third.welcome["chat"], third.welcome["recovered"]) == (chat, True)
    with server.visitor(acme, jwt=signed(acme, sub="customer-8"), chat=chat) as stranger:
        assert (stranger.welcome["chat"], stranger.welcome["recovered"]) == (None, False)


def test_who_identifies_in_the_middle_leaves_the_anonymous_chat(server: Server, houses: Houses) -> None:
    acme = vouching(houses[0])
    with server.visitor(acme) as visitor:
        anonymous = visitor.ask("Is anybody there?")[0]["chat"]
        visitor.say("hello", jwt=signed(acme), chat=anonymous)
        welcome = visitor.hear("welcome")
        assert (welcome["chat"], welcome["messages"], welcome["recovered"]) == (None, [], False)
        assert visitor.ask("It is me")[0]["chat"] != anonymous


def test_two_tenants_customers_of_the_same_name_are_two(server: Server, houses: Houses) -> None:
    acme, globex = map(vouching, houses)
    for house in (acme, globex):
        with server.visitor(house, jwt=signed(house)) as visitor:
            visitor.ask("Is anybody there?")
    names = []
    for house in (acme, globex):
        with house.scope():
            names.append(Chat.objects.get().visitor)
    assert len(set(names)) == 2
    assert all(name.startswith("u_") for name in names)


def test_an_email_that_nobody_signed_proves_nothing(server: Server, houses: Houses) -> None:
    """However it is sent: whoever types it sees no history and is nobody to staff."""
    acme = vouching(houses[0])
    victim = {"email": "ada@customer.example", "name": "Ada Okafor"}
    with server.visitor(acme, jwt=signed(acme, **victim)) as ada:
        chat = ada.ask("My secret is CANARY.")[0]["chat"]
    claims: list[dict[str, Any]] = [
        victim, {"identity": victim}, {"visitor": victim}, {"user": victim}, {"sub": "customer-7"}, {"id": "u_x"}, {"jwt": ""},
        {"jwt": None, **victim},
    ]  # fmt: skip
    for claim in claims:
        with server.visitor(acme, **{**claim, "chat": chat}) as thief:
            assert (thief.welcome["chat"], "CANARY" in json.dumps(thief.welcome)) == (None, False)
    with acme.scope():
        assert Visitor.objects.count() == 1


def test_no_forged_jwt_is_welcomed_and_the_socket_says_why(server: Server, houses: Houses) -> None:
    acme, globex = vouching(houses[0]), vouching(houses[1], "another-secret-of-a-rival-tenant-of-ours")
    good = signed(acme)
    bad = {
        **forged(acme, globex),
        "the rival's own": signed(globex, secret="another-secret-of-a-rival-tenant-of-ours"),
    }
    bad |= {f"mutant {number}": token for number, token in enumerate(mutants(good)) if token != good}
    assert len(bad) >= 200
    with server.socket(f"/ws/chat/{acme.agent.id}", origin=acme.origin) as connection:
        visitor = servers.Visitor(connection)
        for what, token in bad.items():
            visitor.say("hello", jwt=token)
            answer = visitor.next()
            assert (answer["type"], answer.get("code")) == ("error", "bad_identity"), what
        visitor.say("message.send", client_message_id="m1", text="Hello?")
        assert visitor.next()["code"] == "hello_first"
        not_text: tuple[Any, ...] = (7, ["x"], {})
        for wrong in not_text:
            visitor.say("hello", jwt=wrong)
            assert visitor.next()["code"] == "bad_frame"
        visitor.say("hello", jwt=good)
        assert visitor.hear("welcome")["recovered"] is True


def test_no_forged_token_of_ours_is_anybody(server: Server, houses: Houses) -> None:
    acme, globex = houses
    with server.visitor(acme) as visitor, server.visitor(globex) as rival:
        chat, token = visitor.ask("My name is Ada.")[0]["chat"], visitor.welcome["token"]
        theirs = rival.welcome["token"]
    with server.socket(f"/ws/chat/{acme.agent.id}", origin=acme.origin) as connection:
        thief = servers.Visitor(connection)
        bad = [theirs, *(one for one in mutants(token.replace(":", ".")) if one.replace(".", ":") != token)]
        assert len(bad) >= 150
        for one in bad:
            thief.say("hello", token=one.replace(".", ":"), chat=chat)
            welcome = thief.hear("welcome")
            assert (welcome["chat"], welcome["messages"]) == (None, [])


def test_staff_see_whom_the_tenant_vouched_for(server: Server, houses: Houses) -> None:
    acme = vouching(houses[0])
    with (
        inbox(server, acme) as staff,
        server.visitor(acme, jwt=signed(acme, name="Ada <Okafor>", email="ada@x.example")) as ada,
    ):
        staff.say("inbox.filter", filter="agent")
        chat = ada.ask("Where is my parcel?")[0]["chat"]
        assert staff.see(chat)["person"] == {"name": "Ada <Okafor>", "email": "ada@x.example"}
        with server.visitor(acme) as anonymous:
            other = anonymous.ask("Is anybody there?")[0]["chat"]
            assert staff.see(other)["person"] is None
    with server.visitor(acme, jwt=signed(acme, name="Ada Lovelace")), acme.scope():
        assert [(one.name, one.email, one.subject) for one in Visitor.objects.all()] == [
            ("Ada Lovelace", "", "customer-7")
        ]
