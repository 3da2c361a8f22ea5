"""The inbox's socket, through a real server."""

import hashlib
import json
import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from websockets.exceptions import ConnectionClosed

from apps.analysis import groundedness
from apps.analysis.models import Groundedness
from apps.chats import frames
from apps.chats.models import ContentChat, Note
from apps.tenants.models import Membership
from consumers.inbox import InboxConsumer
from tests.contract import examples
from tests.scripted import answer
from tests.server import PATIENCE, Server, Visitor, text_of
from tests.staff import Staff, inbox
from tests.world import PASSWORD, House

Houses = tuple[House, House]
SLOW = "tokens=400 rate=50"  # eight seconds: what a test does meanwhile is over long before
SHORT = "tokens=20"
ENDS = {"reply.completed", "reply.cancelled", "reply.failed"}


def acting(house: House, script: str) -> House:
    """The same house, whose visitors meet an agent with this script."""
    return replace(house, agent=house.scripted(script))


def named(house: House, first: str, last: str) -> House:
    house.user.first_name, house.user.last_name = first, last
    house.user.save()
    return house


def colleague(house: House) -> str:
    """The name under which one more member of this house's staff signs in."""
    username = f"second-{house.user.username}"
    with house.scope():
        user = get_user_model().objects.create_user(
            username, password=PASSWORD, first_name="Grace", last_name="Hopper"
        )
        Membership.objects.create(user=user, role=Membership.Role.STAFF)
    return username


def ask(visitor: Visitor, text: str = "Is anybody there?", message_id: str = "m1") -> str:
    """Send a message; the chat it is in."""
    visitor.say("message.send", client_message_id=message_id, text=text)
    return str(visitor.hear("ack")["chat"])


def heard_until(reader: Visitor, *kinds: str) -> list[dict[str, Any]]:
    frames = [reader.next()]
    while frames[-1]["type"] not in kinds:
        frames.append(reader.next())
    return frames


def test_the_list_moves_by_itself_and_says_where_an_answer_is_being_written(
    server: Server, houses: Houses
) -> None:
    acme = acting(houses[0], "tokens=30 rate=20")
    with inbox(server, acme) as staff, server.visitor(acme) as visitor:
        staff.say("inbox.filter", filter="agent")
        assert json.loads(staff.connection.recv(timeout=PATIENCE))["chats"] == []
        chat = ask(visitor, "Where is my parcel?")
        row = staff.see(chat, is_answering=True)
        assert (row["preview"], row["agent"], row["handled_by"]) == (
            "Where is my parcel?",
            acme.agent.name,
            "agent",
        )
        staff.see(chat, is_answering=False)


def test_a_visitor_who_asks_for_a_person_waits_in_the_list_and_is_counted(
    server: Server, houses: Houses
) -> None:
    acme = acting(houses[0], SHORT)
    with inbox(server, acme) as staff, server.visitor(acme) as visitor:
        chat = ask(visitor)
        visitor.hear("reply.completed")
        staff.say("inbox.filter", filter="waiting")
        visitor.say("handoff.request")
        row = staff.see(chat, handled_by="waiting")
        assert row["waiting_since"] is not None
        staff.say("inbox.filter", filter="waiting")
        frame = json.loads(staff.connection.recv(timeout=PATIENCE))
        assert (frame["type"], frame["counts"]["waiting"]) == ("inbox", 1)


def test_staff_read_a_running_answer_along_word_by_word(server: Server, houses: Houses) -> None:
    acme = acting(houses[0], "tokens=100 rate=50")
    with inbox(server, acme) as staff, server.visitor(acme) as visitor:
        chat = ask(visitor)
        welcome = staff.open(chat)
        assert (welcome["chat"], welcome["handled_by"]) == (chat, "agent")
        assert welcome["messages"][0]["request"] == "Is anybody there?"
        frames = heard_until(staff, "reply.completed")
    deltas = [frame for frame in frames if frame["type"] == "reply.delta"]
    assert len(deltas) > 10
    assert [frame["index"] for frame in deltas] == list(range(len(deltas)))
    assert text_of(frames) == answer("tokens=100 rate=50")


def test_a_takeover_in_the_middle_of_an_answer_keeps_what_was_said_and_lets_staff_answer(
    server: Server, houses: Houses
) -> None:
    acme = named(acting(houses[0], SLOW), "Ada", "Lovelace")
    with inbox(server, acme) as staff, server.visitor(acme) as visitor:
        chat = ask(visitor)
        staff.open(chat)
        staff.hear("reply.delta")
        staff.say("take_over", chat=chat)
        seen = heard_until(visitor, "handoff")
        [cancelled] = [frame for frame in seen if frame["type"] == "reply.cancelled"]
        assert (cancelled["reason"], seen[-1]["state"], seen[-1]["name"]) == ("takeover", "staff", "Ada")
        assert cancelled["sha256"] == hashlib.sha256(text_of(seen).encode()).hexdigest()
        state = staff.until(handled_by="staff")
        assert (state["assignee"], state["name"]) == (acme.user.pk, "Ada Lovelace")
        staff.say("message.send", chat=chat, client_message_id="s1", text="Hello, this is Ada.")
        message = visitor.next()
        assert (message["type"], message["from"], message["text"], message["name"]) == (
            "message",
            "staff",
            "Hello, this is Ada.",
            "Ada",
        )
        again = staff.open(chat)["messages"]
        assert [one["state"] for one in again] == ["stopped", "completed"]
        assert (again[0]["reason"], again[0]["response"]) == ("takeover", text_of(seen))


def test_an_answer_repeated_under_its_id_is_sent_once(server: Server, houses: Houses) -> None:
    acme = acting(houses[0], SHORT)
    with inbox(server, acme) as staff, server.visitor(acme) as visitor:
        chat = ask(visitor)
        staff.say("take_over", chat=chat)
        acks = []
        for _ in range(2):
            staff.say("message.send", chat=chat, client_message_id="s1", text="Hello.")
            acks.append(staff.hear("ack"))
        assert acks[0]["exchange"] == acks[1]["exchange"]
        said = [one for one in staff.open(chat)["messages"] if one["from"] == "staff"]
        assert [(one["response"], one["client_message_id"]) for one in said] == [("Hello.", "s1")]


def test_who_has_not_taken_a_chat_over_cannot_answer_in_it(server: Server, houses: Houses) -> None:
    acme = acting(houses[0], SHORT)
    with inbox(server, acme) as staff, server.visitor(acme) as visitor:
        chat = ask(visitor)
        staff.say("message.send", chat=chat, client_message_id="s1", text="Hello.")
        error = staff.hear("error")
        assert (error["code"], error["client_message_id"], error["chat"]) == ("not_yours", "s1", chat)


def test_whether_an_answer_stands_in_its_sources_reaches_staff_as_soon_as_it_is_judged(
    server: Server, houses: Houses
) -> None:
    acme = acting(
        houses[0],
        "say=You%20have%2030%20days%20to%20return%20something.%20Camels%20carry%20your%20parcels%20home.",
    )
    acme.knows("You have 30 days to return something you bought from us.")
    with server.visitor(acme) as visitor, inbox(server, acme) as staff:
        chat = ask(visitor, "How long do I have to return something?")
        visitor.hear("reply.completed")
        staff.open(chat)
        assert staff.hear("chat.state")["state"]["verdicts"] == []
        with acme.scope():
            groundedness.judge(ContentChat.objects.get(chat_id=chat))
        verdicts: list[dict[str, Any]] = []
        while not verdicts:
            verdicts = staff.hear("chat.state")["state"]["verdicts"]
    assert [(one["exchange"], one["verdict"]) for one in verdicts] == [(1, "partly")]
    assert verdicts[0]["unsupported"] == ["Camels carry your parcels home."]


def test_a_note_reaches_colleagues_once_and_the_visitor_never(server: Server, houses: Houses) -> None:
    acme = named(acting(houses[0], SHORT), "Ada", "Lovelace")
    other = colleague(acme)
    with server.visitor(acme) as visitor:
        frames = [visitor.welcome]
        visitor.say("message.send", client_message_id="m1", text="Is anybody there?")
        frames += heard_until(visitor, "reply.completed")
        chat, token = frames[1]["chat"], visitor.welcome["token"]
        with inbox(server, acme) as staff, inbox(server, acme, username=other) as reader:
            reader.open(chat)
            assert reader.hear("notes")["notes"] == []
            for _ in range(2):
                staff.say("note", chat=chat, client_message_id="n1", text="CANARY: VIP")
                assert staff.hear("noted")["client_message_id"] == "n1"
            [note] = reader.hear("notes")["notes"]
            assert (note["text"], note["name"]) == ("CANARY: VIP", "Ada Lovelace")
        visitor.say("ping")
        frames += heard_until(visitor, "pong")
    with server.visitor(acme, token=token, chat=chat) as returned:
        frames.append(returned.welcome)
    assert "CANARY" not in json.dumps(frames)
    with acme.scope():
        assert Note.objects.filter(chat=chat).count() == 1


def test_handing_back_lets_the_agent_answer_what_waits(server: Server, houses: Houses) -> None:
    acme = acting(houses[0], SHORT)
    with inbox(server, acme) as staff, server.visitor(acme) as visitor:
        chat = ask(visitor)
        visitor.hear("reply.completed")
        staff.open(chat)
        staff.say("take_over", chat=chat)
        visitor.hear("handoff")
        ask(visitor, "And now?", "m2")
        staff.say("hand_back", chat=chat)
        frames = heard_until(visitor, *ENDS)
        assert (frames[-1]["type"], text_of(frames)) == ("reply.completed", answer(SHORT))
        staff.until(handled_by="staff")
        turns = staff.until(handled_by="agent", is_answering=False)["turns"]
        assert [turn["state"] for turn in turns] == ["staff", "agent"]


def test_a_resolved_chat_leaves_the_open_ones_and_comes_back_with_the_next_message(
    server: Server, houses: Houses
) -> None:
    acme = acting(houses[0], SHORT)
    with inbox(server, acme) as staff, server.visitor(acme) as visitor:
        chat = ask(visitor)
        visitor.hear("reply.completed")
        staff.say("inbox.filter", filter="all")
        staff.say("resolve", chat=chat)
        assert visitor.hear("resolved")["by"] == "staff"
        row = staff.see(chat, handled_by="agent")
        while row["resolved_at"] is None:
            row = staff.see(chat)
        ask(visitor, "One more thing", "m2")
        staff.see(chat, resolved_at=None)


def test_a_cut_line_resumes_without_losing_or_repeating_a_word(server: Server, houses: Houses) -> None:
    acme = acting(houses[0], "tokens=150 rate=50")
    with server.visitor(acme) as visitor:
        with inbox(server, acme) as staff:
            chat = ask(visitor)
            seq = staff.open(chat)["last_seq"]
            frames = heard_until(staff, "reply.delta")
            seq = max([seq, *(frame["seq"] for frame in frames if frame.get("seq"))])
        last = frames[-1]
        position = {"seq": seq, **{name: last[name] for name in ("exchange", "epoch", "index")}}
        with inbox(server, acme) as staff:
            assert staff.open(chat, resume=position)["recovered"] is True
            frames += heard_until(staff, "reply.completed")
    assert text_of(frames) == answer("tokens=150 rate=50")


def test_each_side_sees_that_the_other_is_writing(server: Server, houses: Houses) -> None:
    acme = named(acting(houses[0], SHORT), "Ada", "Lovelace")
    with inbox(server, acme) as staff, server.visitor(acme) as visitor:
        chat = ask(visitor)
        staff.open(chat)
        staff.say("take_over", chat=chat)
        visitor.hear("handoff")
        visitor.say("typing")
        assert staff.hear("typing")["from"] == "visitor"
        for _ in range(5):  # told once in a while
            staff.say("typing", chat=chat)
        typing = visitor.hear("typing")
        assert (typing["from"], typing["name"]) == ("staff", "Ada")
        staff.say("hand_back", chat=chat)
        visitor.hear("handoff")
        assert "typing" not in {frame["type"] for frame in visitor.ask("And now?")}


FRAMES: dict[str, dict[str, Any]] = {
    "chat.open": {},
    "take_over": {},
    "hand_back": {},
    "resolve": {},
    "typing": {},
    "message.send": {"client_message_id": "s1", "text": "CANARY"},
    "note": {"client_message_id": "s1", "text": "CANARY"},
}


@pytest.mark.parametrize("kind", FRAMES)
def test_another_tenants_chat_is_answered_exactly_as_one_that_does_not_exist(
    server: Server, houses: Houses, kind: str
) -> None:
    acme, globex = acting(houses[0], SHORT), houses[1]
    with server.visitor(acme) as visitor, inbox(server, globex) as rival:
        theirs, none = ask(visitor), str(uuid.uuid4())
        visitor.hear("reply.completed")
        answers = []
        for chat in (theirs, none):
            rival.say(kind, chat=chat, **FRAMES[kind])
            frame = rival.next()
            answers.append({name: value for name, value in frame.items() if name not in {"ts", "chat"}})
            assert frame["chat"] == chat
        assert answers[0] == answers[1]
        assert answers[0]["code"] == "no_such_chat"
        visitor.say("ping")
        assert visitor.next()["type"] == "pong"  # and the visitor noticed nothing


def test_the_rivals_list_stays_empty(server: Server, houses: Houses) -> None:
    acme, globex = acting(houses[0], SHORT), houses[1]
    with server.visitor(acme) as visitor, inbox(server, globex) as rival, inbox(server, acme) as staff:
        rival.say("inbox.filter", filter="all")
        assert json.loads(rival.connection.recv(timeout=PATIENCE))["chats"] == []
        staff.say("inbox.filter", filter="all")
        staff.see(ask(visitor))
        rival.say("inbox.filter", filter="all")
        again = json.loads(rival.connection.recv(timeout=PATIENCE))
        assert (again["chats"], again["counts"]) == ([], {"agent": 0, "waiting": 0, "staff": 0})


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("{", "bad_json"),
        ('{"type": "no.such"}', "unknown_type"),
        ('{"type": "inbox.filter"}', "bad_frame"),
        ('{"type": "inbox.filter", "filter": "mine"}', "bad_frame"),
        ('{"type": "inbox.filter", "filter": "all", "limit": 100000}', "bad_frame"),
        ('{"type": "inbox.filter", "filter": "all", "limit": true}', "bad_frame"),
        ('{"type": "chat.open"}', "bad_frame"),
        ('{"type": "chat.open", "chat": "x"}', "bad_frame"),
        ('{"type": "chat.open", "chat": "%(chat)s", "resume": 7}', "bad_frame"),
        ('{"type": "chat.open", "chat": "%(chat)s", "resume": {"seq": "1.2"}}', "bad_frame"),
        (
            '{"type": "chat.open", "chat": "%(chat)s", "resume": {"seq": 1, "exchange": 1, "epoch": 1, "index": "x"}}',
            "bad_frame",
        ),
        ('{"type": "take_over"}', "bad_frame"),
        ('{"type": "message.send", "chat": "%(chat)s", "text": "x"}', "bad_frame"),
        ('{"type": "note", "chat": "%(chat)s", "client_message_id": "n", "text": " "}', "message_empty"),
        ('{"type": "note", "chat": "%(chat)s", "client_message_id": "n", "text": 7}', "bad_frame"),
    ],
)
def test_a_bad_frame_is_explained_and_the_socket_stays_open(
    server: Server, houses: Houses, sent: str, code: str
) -> None:
    with inbox(server, houses[0]) as staff:
        staff.connection.send(sent.replace("%(chat)s", str(uuid.uuid4())))
        error = staff.next()
        assert (error["type"], error["code"]) == ("error", code)
        staff.say("ping")
        assert staff.next()["type"] == "pong"


def code_of(staff: Staff) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            staff.next()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def test_a_stranger_and_a_page_of_another_site_are_turned_away(server: Server, houses: Houses) -> None:
    for origin in (server.url, "https://evil.example", houses[0].origin, None):
        with server.socket("/ws/inbox", origin=origin) as connection:
            assert code_of(Staff(connection)) == (4401 if origin == server.url else 4403)


def test_who_does_not_work_there_any_more_reads_and_does_nothing_more(server: Server, houses: Houses) -> None:
    acme = acting(houses[0], SHORT)
    with server.visitor(acme) as visitor, inbox(server, acme) as staff, inbox(server, acme) as other:
        chat = ask(visitor)
        other.open(chat)
        with acme.scope():
            Membership.objects.all().delete()
        staff.say("note", chat=chat, client_message_id="n1", text="Bye.")
        assert code_of(staff) == 4401
        other.say("inbox.filter", filter="all")
        assert code_of(other) == 4401
    with acme.scope():
        assert Note.objects.count() == 0


@pytest.mark.parametrize("frame", examples("staff"), ids=lambda frame: frame["type"])
def test_every_frame_that_the_page_lets_staff_send_is_understood(frame: dict[str, Any]) -> None:
    assert frames.parse(json.dumps(frame)) == frame
    assert hasattr(InboxConsumer, f"on_{frame['type'].replace('.', '_')}")


def test_staff_are_sent_the_fields_that_the_page_names(server: Server, houses: Houses) -> None:
    acme = acting(houses[0], SHORT)
    said: dict[str, dict[str, Any]] = {}
    with server.visitor(acme) as visitor, inbox(server, acme) as staff:
        chat = ask(visitor)
        visitor.hear("reply.completed")
        staff.say("message.send", chat=chat, client_message_id="s1", text="Hello.")
        said["error"] = staff.hear("error")
        staff.say("take_over", chat=chat)
        staff.say("message.send", chat=chat, client_message_id="s1", text="Hello.")
        said["ack"] = staff.hear("ack")
        staff.say("note", chat=chat, client_message_id="n1", text="A regular.")
        said["noted"] = staff.hear("noted")
        with acme.scope():
            exchange = ContentChat.objects.get(number=1)
            told = {"verdict": "partly", "unsupported": ["Camels carry your parcels."]}
            Groundedness.objects.get_or_create(exchange=exchange, defaults=told)
        staff.open(chat)
        said["chat.state"], said["notes"] = staff.hear("chat.state"), staff.hear("notes")
        visitor.say("typing")
        said["typing"] = staff.hear("typing")
        staff.say("inbox.filter", filter="staff")
        said["inbox"] = json.loads(staff.connection.recv(timeout=PATIENCE))
    for example in examples("inbox"):
        assert shape(said[example["type"]]) == shape(example), example["type"]


def shape(told: Any) -> Any:
    """The names of what was told, without its values."""
    if isinstance(told, dict):
        return {name: shape(value) for name, value in told.items()}
    return [shape(one) for one in told[:1]] if isinstance(told, list) else None
