"""The visitor's socket, through a real server."""

import hashlib
import json
import time
import uuid

import pytest
from django.utils import timezone
from websockets.exceptions import ConnectionClosed

from apps.chats.models import Chat, ContentChat
from tests.server import PATIENCE, Server, Visitor, text_of, wait_until
from tests.world import House

Houses = tuple[House, House]
FACT = (
    "The Quito depot is closed on the second Friday of March. Bring a torch when you visit the Quito depot."
)


def test_a_visitor_hears_ack_deltas_citations_and_the_end(server: Server, houses: Houses) -> None:
    acme, _ = houses
    source = acme.knows(FACT)
    with server.visitor(acme) as visitor:
        frames = visitor.ask("When is the Quito depot closed?", message_id="m1")
    kinds = [frame["type"] for frame in frames]
    assert kinds[:3] == ["ack", "message", "reply.started"]
    assert kinds[-2:] == ["reply.citations", "reply.completed"]
    assert set(kinds[3:-2]) == {"reply.delta"}
    assert frames[0]["client_message_id"] == frames[1]["client_message_id"] == "m1"
    assert [frame["index"] for frame in frames[3:-2]] == list(range(len(kinds) - 5))
    assert "second Friday of March" in text_of(frames)
    assert frames[-2]["citations"][0]["knowledge"] == str(source.id)
    assert frames[-1]["sha256"] == hashlib.sha256(text_of(frames).encode()).hexdigest()
    assert [frame["seq"] for frame in frames if "seq" in frame] == [1, 1, 2, 3]


def test_a_message_repeated_under_its_id_is_answered_once(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.visitor(acme) as visitor:
        first = visitor.ask("When is the Quito depot closed?", message_id="m1")
        visitor.say("message.send", client_message_id="m1", text="When is the Quito depot closed?")
        again = visitor.hear("ack")
        assert (again["exchange"], again["seq"]) == (1, first[0]["seq"])
        assert visitor.ask("And now?", message_id="m2")[1]["exchange"] == 2


def test_a_message_whose_sender_left_at_once_is_answered_all_the_same(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with acme.scope():
        before = ContentChat.objects.count()
    for pause in (0.0, 0.002, 0.005, 0.01, 0.02):
        with server.visitor(acme) as visitor:
            visitor.say("message.send", client_message_id="m1", text="Is anybody there?")
            time.sleep(pause)
            visitor.connection.socket.close()
    with acme.scope():
        wait_until(lambda: not ContentChat.objects.filter(state__in=["running", "queued"]).exists())
        assert ContentChat.objects.count() > before


def test_a_message_is_on_record_though_its_sender_says_hello_again_at_once(
    server: Server, houses: Houses
) -> None:
    acme, _ = houses
    for number in range(10):
        with server.visitor(acme) as visitor:
            visitor.say("message.send", client_message_id=f"m{number}", text="Is anybody there?")
            visitor.say("hello")
            assert visitor.hear("ack")["client_message_id"] == f"m{number}"


def test_a_person_asked_for_beside_the_first_message_is_asked_for_in_the_same_chat(
    server: Server, houses: Houses
) -> None:
    acme, _ = houses
    with server.visitor(acme) as visitor:
        visitor.say("message.send", client_message_id="m1", text="Is anybody there?")
        visitor.say("handoff.request")
        chat = visitor.hear("ack")["chat"]
        handed = visitor.hear("handoff")
        assert (handed["chat"], handed["state"]) == (chat, "waiting")
    with server.visitor(acme) as visitor:
        visitor.say("handoff.request")
        visitor.say("message.send", client_message_id="m1", text="Is anybody there?")
        assert visitor.hear("handoff")["chat"] == visitor.hear("ack")["chat"]


def test_a_chat_that_begins_with_asking_for_a_person_is_never_there_without_that(
    server: Server, houses: Houses
) -> None:
    acme, _ = houses
    for pause in range(20):
        with server.visitor(acme) as visitor:
            visitor.say("handoff.request")
            time.sleep(pause / 1000)
            visitor.connection.socket.close()
    with server.visitor(acme) as visitor:
        visitor.say("handoff.request")
        welcome, handed = visitor.hear("welcome"), visitor.hear("handoff")
        assert (welcome["chat"], welcome["last_seq"], handed["seq"]) == (handed["chat"], 0, 1)
        visitor.hear("queue")
    with acme.scope():
        assert Chat.objects.filter(id=handed["chat"]).exists()
        assert not Chat.objects.exclude(handled_by="waiting", last_seq=1).exists()


def test_a_first_message_whose_ack_was_lost_opens_no_second_chat(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.visitor(acme) as visitor:
        token = visitor.welcome["token"]
        first = visitor.ask("Is anybody there?", message_id="m1")
    with server.visitor(acme, token=token) as returned:
        again = returned.ask("Is anybody there?", message_id="m1")
    assert (again[0]["chat"], again[0]["exchange"]) == (first[0]["chat"], 1)


def test_what_is_sent_behind_a_message_whose_ack_was_lost_is_told_behind_it(
    server: Server, houses: Houses
) -> None:
    acme, _ = houses
    for _ in range(10):
        with server.visitor(acme) as visitor:
            token = visitor.welcome["token"]
            visitor.ask("Is anybody there?", message_id="m1")
        with server.visitor(acme, token=token) as returned:
            for name in ("m1", "m2"):
                returned.say("message.send", client_message_id=name, text="Is anybody there?")
            told = list[int]()
            while 6 not in told:
                frame = returned.next()
                told += [frame["seq"]] if frame["type"] != "ack" and "seq" in frame else []
        assert told == [1, 2, 3, 4, 5, 6]


def test_messages_sent_at_once_are_answered_in_their_order(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.visitor(acme) as visitor:
        for number in range(3):
            visitor.say("message.send", client_message_id=f"m{number}", text=f"Question {number}")
        ended: list[int] = []
        while len(ended) < 3:
            frame = visitor.next()
            if frame["type"] == "reply.completed":
                ended.append(frame["exchange"])
    assert ended == [1, 2, 3]


def test_a_visitor_who_returns_with_the_token_finds_the_chat(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.visitor(acme) as visitor:
        frames = visitor.ask("Is anybody there?")
        token, chat = visitor.welcome["token"], frames[0]["chat"]
    with server.visitor(acme, token=token, chat=chat) as returned:
        assert returned.welcome["recovered"] is True
        assert returned.welcome["last_seq"] == 3
        [told] = returned.welcome["messages"]
        assert (told["request"], told["response"]) == ("Is anybody there?", text_of(frames))


def test_a_session_id_alone_opens_nothing(server: Server, houses: Houses) -> None:
    acme, globex = houses
    with server.visitor(acme) as visitor:
        chat, token = visitor.ask("My name is Ada.")[0]["chat"], visitor.welcome["token"]
    with server.visitor(acme, chat=chat) as stranger:
        assert (stranger.welcome["recovered"], stranger.welcome["messages"]) == (False, [])
        assert stranger.ask("What did I say?")[0]["chat"] != chat
    with server.visitor(globex, chat=chat, token=token) as rival:
        assert (rival.welcome["recovered"], rival.welcome["messages"]) == (False, [])
    with server.visitor(acme, chat=chat, token=token[:-2] + "xx") as forger:
        assert (forger.welcome["recovered"], forger.welcome["messages"]) == (False, [])


def test_using_a_token_does_not_prolong_it(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.visitor(acme) as visitor:
        token = visitor.welcome["token"]
    with server.visitor(acme, token=token) as returned:
        assert returned.welcome["token"] == token


@pytest.mark.parametrize("waits_for", [None, "ack", "reply.started"])
def test_a_stop_is_obeyed_whenever_it_comes(server: Server, houses: Houses, waits_for: str | None) -> None:
    acme, _ = houses
    with server.visitor(acme, agent=acme.scripted("tokens=40 rate=20")) as visitor:
        visitor.say("message.send", client_message_id="m1", text="What does the Quito depot keep?")
        if waits_for:
            visitor.hear(waits_for)
        visitor.say("reply.stop")
        cancelled = visitor.hear("reply.cancelled")
        assert (cancelled["exchange"], cancelled["reason"]) == (1, "stopped")
        assert visitor.ask("And now?", message_id="m2")[-1]["type"] == "reply.completed"
    with acme.scope():
        states = (
            ContentChat.objects.filter(chat=cancelled["chat"])
            .order_by("number")
            .values_list("state", flat=True)
        )
        assert list(states) == ["stopped", "completed"]


def test_two_sockets_with_the_same_first_message_open_one_chat(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.visitor(acme) as one:
        token = one.welcome["token"]
        with server.visitor(acme, token=token) as other:
            for visitor in (one, other):
                visitor.say("message.send", client_message_id="m1", text="Is anybody there?")
            assert one.hear("ack")["chat"] == other.hear("ack")["chat"]


def test_visitors_of_a_suspended_tenant_are_turned_away(server: Server, houses: Houses) -> None:
    acme, _ = houses
    acme.tenant.suspended_at = timezone.now()
    acme.tenant.save()
    with server.socket(f"/ws/chat/{acme.agent.id}", origin=acme.origin) as connection:
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=PATIENCE)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403


def test_nothing_is_served_before_hello(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.socket(f"/ws/chat/{acme.agent.id}", origin=acme.origin) as connection:
        visitor = Visitor(connection)
        visitor.say("message.send", client_message_id="m1", text="Hello?")
        assert visitor.next()["code"] == "hello_first"


@pytest.mark.parametrize(
    "origin", [None, "null", "https://evil.example", "{}.evil.example", "{}:8443", "{}/"]
)
def test_a_page_of_another_origin_is_turned_away(server: Server, houses: Houses, origin: str | None) -> None:
    acme, _ = houses
    named = origin.format(acme.origin) if origin else None
    with server.socket(f"/ws/chat/{acme.agent.id}", origin=named) as connection:
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=PATIENCE)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403


def test_an_unknown_agent_and_an_unknown_path_are_turned_away(server: Server, houses: Houses) -> None:
    for path, code in ((f"/ws/chat/{uuid.uuid4()}", 4403), ("/ws/elsewhere", 4404)):
        with server.socket(path, origin=houses[0].origin) as connection:
            with pytest.raises(ConnectionClosed) as closed:
                connection.recv(timeout=PATIENCE)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("{", "bad_json"),
        (b"\xff", "bad_json"),
        ("[]", "bad_frame"),
        ("{}", "bad_frame"),
        ('{"type": 1}', "bad_frame"),
        ('{"type": "no.such"}', "unknown_type"),
        ('{"type": "receive"}', "unknown_type"),
        ('{"type": "message.send", "text": "x"}', "bad_frame"),
        ('{"type": "message.send", "client_message_id": "", "text": "x"}', "bad_frame"),
        ('{"type": "message.send", "client_message_id": "m", "text": 7}', "bad_frame"),
        ('{"type": "message.send", "client_message_id": "m", "text": " "}', "message_empty"),
        ('{"type": "message.send", "client_message_id": "m", "text": "a\\u0000"}', "message_not_text"),
        (
            json.dumps({"type": "message.send", "client_message_id": "m", "text": "x" * 100_000}),
            "message_too_long",
        ),
        ('{"type": "hello", "chat": "not-a-uuid"}', "bad_frame"),
        ('{"type": "hello", "token": 5}', "bad_frame"),
        ('{"type": "reply.stop"}', "nothing_to_stop"),
    ],
)
def test_a_bad_frame_is_explained_and_the_socket_stays_open(
    server: Server, houses: Houses, sent: str | bytes, code: str
) -> None:
    with server.visitor(houses[0]) as visitor:
        visitor.connection.send(sent)
        error = visitor.next()
        assert (error["type"], error["code"]) == ("error", code)
        visitor.say("ping")
        assert visitor.next()["type"] == "pong"


def test_an_empty_frame_is_explained_too(production: Server, houses: Houses) -> None:
    """daphne drops empty frames silently."""
    with production.visitor(houses[0]) as visitor:
        visitor.connection.send("")
        assert visitor.next()["code"] == "bad_json"


def test_a_frame_above_the_limit_closes_the_socket_as_too_big(production: Server, houses: Houses) -> None:
    """daphne cannot close with this code."""
    with production.visitor(houses[0]) as visitor:
        visitor.connection.send("x" * 300_000)
        with pytest.raises(ConnectionClosed) as closed:
            visitor.connection.recv(timeout=PATIENCE)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
