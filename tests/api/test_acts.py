"""`POST /chats/{id}/frames` and the transcript: what a page does that no socket gets through from."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from apps.agents import widgets
from apps.chats.models import Chat, ContentChat
from tests.api.streams import Heard, following, is_problem, question
from tests.api.test_visitors import page
from tests.server import Server
from tests.staff import inbox
from tests.world import House

Houses = tuple[House, House]


def begun(client: httpx.Client, house: House) -> str:
    return str(client.post("/api/v1/chat", json=question(house)).json()["session_id"])


def act(client: httpx.Client, chat: str, **frame: Any) -> httpx.Response:
    return client.post(f"/api/v1/chats/{chat}/frames", json=frame)


def test_a_page_leaves_what_a_socket_would(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with page(server, acme) as client:
        chat = begun(client, acme)
        for frame in (
            {"type": "feedback", "exchange": 1, "value": -1, "comment": "No"},
            {"type": "csat", "value": 2},
            {"type": "email", "address": "grace@example.org"},
            {"type": "context", "context": {"page": "cart"}},
            {"type": "typing"},
            {"type": "handoff.request"},
        ):
            answer = act(client, chat, **frame)
            assert (answer.status_code, answer.content) == (202, b""), frame
        told = client.get(f"/api/v1/chats/{chat}").json()
    assert (told["messages"][0]["feedback"], told["messages"][0]["feedback_comment"]) == (-1, "No")
    assert (told["csat"], told["has_email"], told["handled_by"]) == (2, True, "waiting")
    assert told["queue"] == {"position": 1, "attended": False}
    with acme.scope():
        kept = Chat.objects.get(id=chat)
        assert (kept.csat, kept.email, kept.handled_by) == (2, "grace@example.org", "waiting")
        assert kept.said_by_page == {"context": {"page": "cart"}, "attributes": {}}


def test_a_stream_tells_what_no_log_keeps(server: Server, houses: Houses) -> None:
    """Where in the line they wait, whether anybody is there, and that somebody writes to them."""
    acme, _ = houses
    with page(server, acme) as client:
        chat = begun(client, acme)
        with following(client, chat) as told:
            act(client, chat, type="handoff.request")
            first = until(told, "queue")
            assert (first["position"], first["attended"]) == (1, False)
            with inbox(server, acme) as staff:
                assert until(told, "queue")["attended"] is True
                staff.say("chat.open", chat=chat)
                staff.say("take_over", chat=chat)
                assert until(told, "handoff")["state"] == "staff"
                staff.say("typing", chat=chat)
                assert until(told, "typing")["from"] == "staff"
        with following(client, chat, "1.0.0.-1") as again:
            assert until(again, "welcome")["recovered"] is True


def until(told: Iterator[Heard], kind: str) -> dict[str, Any]:
    return next(one.data for one in told if one.kind == kind)


@pytest.mark.parametrize(
    ("frame", "code", "field"),
    [
        ({"type": "message.send", "text": "Hello"}, "unknown_type", "/type"),
        ({"type": "feedback", "exchange": 9, "value": 1}, "no_such_answer", "/exchange"),
        ({"type": "feedback", "exchange": 1, "value": "1"}, "bad_frame", "/value"),
        ({"type": "csat", "value": 6}, "bad_frame", "/value"),
        ({"type": "email", "address": "grace"}, "bad_email", "/address"),
        ({"type": "context", "context": []}, "bad_frame", "/context"),
        ({"type": "reply.stop"}, "nothing_to_stop", "/type"),
        ({}, "invalid", "/type"),
        ({"type": 1}, "invalid", "/type"),
    ],
)
def test_what_cannot_be_done_says_why(
    server: Server, houses: Houses, frame: dict[str, Any], code: str, field: str
) -> None:
    acme, _ = houses
    with page(server, acme) as client:
        refused = act(client, begun(client, acme), **frame)
        assert is_problem(refused, 422, code)
        assert [error["pointer"] for error in refused.json()["errors"]] == [field]


def test_nobody_acts_in_anothers_chat(server: Server, houses: Houses) -> None:
    acme, globex = houses
    with page(server, acme) as owner, page(server, acme) as other, page(server, globex) as rival:
        chat = begun(owner, acme)
        for stranger in (other, rival):
            assert is_problem(act(stranger, chat, type="csat", value=1), 404, "not_found")
            assert is_problem(stranger.get(f"/api/v1/chats/{chat}/transcript"), 404, "not_found")
        with server.rest(acme) as program:
            assert is_problem(act(program, chat, type="csat", value=1), 401, "unauthorized")
    with acme.scope():
        assert Chat.objects.get(id=UUID(chat)).csat is None
        assert ContentChat.objects.get(chat_id=UUID(chat)).feedback is None


def test_a_transcript_is_a_file_to_keep(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with page(server, acme) as client:
        chat = begun(client, acme)
        kept = client.get(f"/api/v1/chats/{chat}/transcript")
        with acme.scope():
            ContentChat.objects.filter(chat_id=UUID(chat)).update(state="stopped", reason="takeover")
        assert "stopped here" in client.get(f"/api/v1/chats/{chat}/transcript").text
    assert "stopped here" not in kept.text
    assert kept.headers["content-type"] == "text/markdown; charset=utf-8"
    assert kept.headers["content-disposition"].startswith('attachment; filename="conversation-')
    assert kept.headers["x-content-type-options"] == "nosniff"
    assert "> Say something" in kept.text


def test_a_transcript_that_is_not_offered_is_the_programs_alone(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with acme.scope():
        widgets.change(acme.agent, offers=["person"])
    with page(server, acme) as client, server.rest(acme) as program:
        chat = begun(client, acme)
        assert is_problem(client.get(f"/api/v1/chats/{chat}/transcript"), 404, "not_offered")
        assert program.get(f"/api/v1/chats/{chat}/transcript").status_code == 200
        assert is_problem(act(client, chat, type="csat", value=1), 422, "not_offered")
