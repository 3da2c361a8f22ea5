"""`GET /api/v1/chats/{session_id}`: a chat in pages."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import async_to_sync

from apps.chats import handoff
from apps.tenants.models import ApiKey, AuditEntry
from chatwithus.embedded import Services
from tests.api.streams import ask, is_problem, question
from tests.server import Server, serving
from tests.world import House

Houses = tuple[House, House]


def talked(server: Server, house: House, count: int) -> str:
    session_id = None
    for number in range(count):
        session_id = ask(server, house, question(house, f"Question {number}", session_id=session_id)).json()["session_id"]  # fmt: skip
    return str(session_id)


def read(server: Server, house: House, session_id: str, **query: Any) -> Any:
    with server.rest(house) as client:
        return client.get(f"/api/v1/chats/{session_id}", params=query)


def step_in(house: House, chat_id: UUID, text: str) -> None:
    async def talk() -> None:
        await handoff.take_over(chat_id, house.user)
        await handoff.answer(chat_id, house.user, text, client_message_id="a1")

    with house.scope():
        async_to_sync(talk)()


def test_a_chat_is_read_oldest_first_in_pages_that_neither_overlap_nor_miss(
    server: Server, houses: Houses
) -> None:
    acme, _ = houses
    session_id = talked(server, acme, 5)
    pages: list[list[str]] = []
    cursor = None
    while not pages or cursor is not None:
        found = read(server, acme, session_id, limit=2, **({"cursor": cursor} if cursor else {})).json()
        pages.append([one["request"] for one in found["messages"]])
        cursor = found["next_cursor"]
    assert pages == [["Question 0", "Question 1"], ["Question 2", "Question 3"], ["Question 4"]]


def test_an_exchange_says_who_said_what_and_when(server: Server, houses: Houses) -> None:
    acme, _ = houses
    acme.knows("The Quito depot is closed on the second Friday of March.")
    asked = ask(server, acme, question(acme, "When is the Quito depot closed?")).json()
    found = read(server, acme, asked["session_id"]).json()
    assert (found["session_id"], found["agent"]) == (asked["session_id"], str(acme.agent.id))
    [message] = found["messages"]
    assert set(message) == {"exchange", "from", "name", "client_message_id", "request", "response", "citations", "grounded",
                            "state", "reason", "feedback", "feedback_comment", "created_at"}  # fmt: skip
    assert message["response"] == asked["response"]
    assert message["citations"] == asked["citations"]
    assert message["created_at"].endswith("Z")
    assert datetime.fromisoformat(message["created_at"]).utcoffset() is not None


def test_people_who_answer_are_part_of_the_chat(server: Server, houses: Houses) -> None:
    """And a program that goes on asking is told that it waits for a person."""
    acme, _ = houses
    session_id = talked(server, acme, 1)
    step_in(acme, UUID(session_id), "I am a person.")
    waiting = ask(server, acme, question(acme, "Really?", session_id=session_id)).json()
    assert (waiting["response"], waiting["handled_by"], waiting["grounded"]) == ("", "staff", False)
    found = read(server, acme, session_id).json()
    assert found["handled_by"] == "staff"
    assert [(one["from"], one["response"], one["state"]) for one in found["messages"][1:]] == [
        ("staff", "I am a person.", "completed"),
        ("visitor", "", "waiting"),
    ]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"limit": 10**30}, {"cursor": "x"}, {"cursor": "-1"},
                                   {"cursor": "9" * 40}, {"cursor": ""}, {"cursor": "\x00"}])  # fmt: skip
def test_a_page_that_is_none_is_explained(server: Server, houses: Houses, query: Any) -> None:
    acme, _ = houses
    assert is_problem(read(server, acme, talked(server, acme, 1), **query), 422, "invalid")


def test_a_cursor_behind_the_end_is_an_empty_page(server: Server, houses: Houses) -> None:
    acme, _ = houses
    found = read(server, acme, talked(server, acme, 1), cursor="999999999").json()
    assert (found["messages"], found["next_cursor"]) == ([], None)


def test_the_rivals_chat_is_not_found(server: Server, houses: Houses) -> None:
    """Exactly as one that never was: only what repeats the asker's own address differs."""
    acme, globex = houses
    session_id = talked(server, acme, 1)
    for path in ("", "/events"):
        stolen, unknown = (read(server, globex, f"{one}{path}") for one in (session_id, uuid4()))
        assert is_problem(stolen, 404, "not_found")
        assert stolen.json()["detail"] == unknown.json()["detail"]
        assert set(stolen.headers) == set(unknown.headers)


def with_key(house: House, *scopes: str) -> House:
    """The same house, as a program with a key of these scopes sees it."""
    with house.scope():
        _, secret = ApiKey.mint("Narrow", scopes)
    return replace(house, key=secret)


def test_a_key_that_only_asks_has_its_own_chats_alone(server: Server, houses: Houses) -> None:
    """A session id is an identifier, not a credential."""
    acme, _ = houses
    asking, others = with_key(acme, "chat"), talked(server, acme, 1)
    own = talked(server, asking, 2)
    assert len(read(server, asking, own).json()["messages"]) == 2
    assert is_problem(read(server, asking, others), 404, "not_found")
    assert is_problem(ask(server, asking, question(acme, "And now?", session_id=others)), 404, "not_found")
    with server.rest(asking) as client:
        assert is_problem(client.get(f"/api/v1/chats/{others}/events"), 404, "not_found")
    assert len(read(server, acme, others).json()["messages"]) == 1


def test_a_key_that_only_reads_reads_every_chat_and_asks_in_none(server: Server, houses: Houses) -> None:
    acme, _ = houses
    reading, session_id = with_key(acme, "read"), talked(server, acme, 1)
    assert len(read(server, reading, session_id).json()["messages"]) == 1
    assert is_problem(ask(server, reading, question(acme, "And?", session_id=session_id)), 403, "forbidden")
    with server.rest(reading) as client, client.stream("GET", f"/api/v1/chats/{session_id}/events") as told:
        assert told.status_code == 200


def test_a_key_that_asks_and_reads_goes_on_where_another_key_began(server: Server, houses: Houses) -> None:
    """As after a key was replaced by a new one."""
    acme, _ = houses
    both, session_id = with_key(acme, "chat", "read"), talked(server, with_key(acme, "chat"), 1)
    assert ask(server, both, question(acme, "And now?", session_id=session_id)).status_code == 200
    assert len(read(server, both, session_id).json()["messages"]) == 2


def test_refusals_are_counted_before_they_are_written_down(
    server: Server, houses: Houses, services: Services
) -> None:
    """The log only grows, so nobody without rights may make it grow as fast as they like."""
    acme, _ = houses
    reading = with_key(acme, "read")
    with serving(services, LIMITS="request-key=2/3600") as strict, strict.rest(reading) as client:
        answers = [client.post("/api/v1/chat", json=question(acme)).status_code for _ in range(5)]
    assert answers == [403, 403, 429, 429, 429]
    with acme.scope():
        assert AuditEntry.objects.filter(action="request.refused").count() == 2
