"""Limits at the sockets: said in a frame or a close code, and never in the way of others."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed

from apps.chats.models import Chat
from chatwithus.embedded import Services
from tests.server import PATIENCE, Server, Visitor, serving, wait_until
from tests.world import House

Houses = tuple[House, House]


@pytest.fixture(scope="module")
def strict(services: Services) -> Iterator[Server]:
    limits = "message-visitor=3/6 connections-ip=6 connections-visitor=2"
    with serving(services, LIMITS=limits) as running:
        yield running


def closed(server: Server, house: House, **hello: object) -> tuple[int, str]:
    with server.socket(f"/ws/chat/{house.agent.id}", origin=house.origin) as connection:
        with pytest.raises(ConnectionClosed) as error:
            Visitor(connection).say("hello", **hello)
            connection.recv(timeout=PATIENCE)
        assert error.value.rcvd is not None
        return error.value.rcvd.code, error.value.rcvd.reason


@pytest.mark.timely
def test_too_many_messages_are_refused_politely_and_kept_by_nobody(strict: Server, houses: Houses) -> None:
    acme, _ = houses
    with strict.visitor(acme) as visitor:
        for number in range(3):
            assert visitor.ask("Hello", message_id=f"m{number}")[-1]["type"] == "reply.completed"
        visitor.say("message.send", client_message_id="m3", text="Hello")
        refused = visitor.hear("error")
        assert (refused["code"], refused["client_message_id"]) == ("too_many", "m3")
        assert 1 <= refused["retry_after"] <= 2
        assert "Try again" in refused["detail"]
        time.sleep(refused["retry_after"])
        assert visitor.ask("Hello", message_id="m3")[-1]["type"] == "reply.completed"


@pytest.mark.timely
def test_one_visitors_limit_is_nobody_elses(strict: Server, houses: Houses) -> None:
    acme, globex = houses
    with strict.visitor(acme) as visitor:
        for number in range(4):
            visitor.ask("Hello", message_id=f"m{number}")
        for other in (acme, globex):
            with strict.visitor(other) as somebody:
                assert somebody.ask("Hello")[-1]["type"] == "reply.completed"


def test_an_address_holds_so_many_sockets_and_no_more(strict: Server, houses: Houses) -> None:
    acme, _ = houses
    with ExitStack() as held:
        for _ in range(6):
            held.enter_context(strict.visitor(acme))
        code, reason = closed(strict, acme)
        assert code == 4429
        assert "Try again" in reason
    wait_until(lambda: is_let_in(strict, acme))


def test_a_visitor_holds_so_many_sockets_and_no_more(strict: Server, houses: Houses) -> None:
    acme, _ = houses
    with strict.visitor(acme) as first:
        token = first.welcome["token"]
        with strict.visitor(acme, token=token):
            assert closed(strict, acme, token=token)[0] == 4429
            first.say("hello", token=token)  # the same socket again is no other
            assert first.hear("welcome")["token"] == token
        wait_until(lambda: is_let_in(strict, acme, token=token))


def is_let_in(server: Server, house: House, **hello: str) -> bool:
    with server.socket(f"/ws/chat/{house.agent.id}", origin=house.origin) as connection:
        try:
            visitor = Visitor(connection)
            visitor.say("hello", **hello)
            return bool(visitor.next()["type"] == "welcome")
        except ConnectionClosed:
            return False


def test_asking_for_a_person_counts_and_opening_a_chat_so_counts_as_a_message(
    services: Services, houses: Houses
) -> None:
    acme, _ = houses
    with serving(services, LIMITS="message-agent=2/6000") as server:
        assert [_asks_for_a_person(server, acme) for _ in range(3)] == ["handoff", "handoff", "too_many"]
    with acme.scope():
        assert Chat.objects.count() == 2


def _asks_for_a_person(server: Server, house: House) -> str:
    """What comes of it."""
    with server.visitor(house) as visitor:
        visitor.say("handoff.request")
        while (frame := visitor.next())["type"] not in {"handoff", "error"}:
            pass
        return str(frame.get("code", frame["type"]))


@pytest.mark.parametrize("act", ["handoff.request", "resume"])
def test_what_a_visitor_does_in_a_chat_counts(services: Services, houses: Houses, act: str) -> None:
    acme, _ = houses
    with serving(services, LIMITS="act-visitor=3/6000") as server, server.visitor(acme) as visitor:
        visitor.ask("Hello")
        for _ in range(4):
            visitor.say(act, seq=1)
        assert visitor.hear("error")["code"] == "too_many"


def test_a_hello_counts_before_its_proof_is_looked_at(services: Services, houses: Houses) -> None:
    acme, _ = houses
    with serving(services, LIMITS="hello-ip=5/6001") as server:
        with server.socket(f"/ws/chat/{acme.agent.id}", origin=acme.origin) as connection:
            visitor = Visitor(connection)
            for _ in range(5):
                visitor.say("hello", jwt="a.b.c")
                assert visitor.hear("error")["code"] == "bad_identity"
            visitor.say("hello", jwt="a.b.c")
            with pytest.raises(ConnectionClosed) as error:
                connection.recv(timeout=PATIENCE)
        assert error.value.rcvd is not None
        assert error.value.rcvd.code == 4429


def test_of_what_is_too_much_at_once_each_message_is_named(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.visitor(acme) as visitor:
        for number in range(80):
            visitor.say("message.send", client_message_id=f"m{number}", text="Is anybody there?")
        told: dict[str, str] = {}
        while len(told) < 80:
            frame = visitor.next()
            if frame["type"] in {"ack", "error"}:
                told[frame["client_message_id"]] = frame.get("code", "ack")
    assert set(told) == {f"m{number}" for number in range(80)}
    assert set(told.values()) == {"ack", "too_many"}
