"""`POST /api/v1/chat`, through a real server."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.api import streams
from tests.api.streams import is_problem
from tests.server import Server
from tests.world import House

Houses = tuple[House, House]


def ask(server: Server, house: House, message: Any, **fields: Any) -> httpx.Response:
    with server.rest(house) as client:
        body = json.dumps(
            {"agent": str(house.agent.id), "message": message, **fields}
        )  # escapes what UTF-8 cannot say
        return client.post("/api/v1/chat", content=body, headers={"Content-Type": "application/json"})


def test_a_program_gets_an_answer_from_the_tenants_own_documents(server: Server, houses: Houses) -> None:
    acme, _ = houses
    source = acme.knows("The Quito depot is closed on the second Friday of March. Bring a torch.")
    answer = ask(server, acme, "When is the Quito depot closed?").json()
    assert answer["agent"] == str(acme.agent.id)
    assert answer["message"] == "When is the Quito depot closed?"
    assert "second Friday of March" in answer["response"]
    assert [cited["knowledge"] for cited in answer["citations"]] == [str(source.id)]
    assert answer["grounded"] is True


def test_the_same_session_id_continues_the_same_chat(server: Server, houses: Houses) -> None:
    acme, _ = houses
    acme.knows("The Quito depot is closed on the second Friday of March.")
    first = ask(server, acme, "When is the Quito depot closed?").json()
    again = ask(server, acme, "Which depot is that?", session_id=first["session_id"]).json()
    assert again["session_id"] == first["session_id"]
    assert again["exchange_id"] != first["exchange_id"]


def test_a_question_off_the_topic_gets_the_honest_refusal_and_no_citation(
    server: Server, houses: Houses
) -> None:
    acme, _ = houses
    acme.knows("The Quito depot is closed on the second Friday of March.")
    answer = ask(server, acme, "Who won the world chess championship in 1972?").json()
    assert answer["response"] == acme.agent.refusal
    assert answer["citations"] == []
    assert answer["grounded"] is False


def test_an_unknown_session_is_not_found(server: Server, houses: Houses) -> None:
    assert is_problem(ask(server, houses[0], "Hello there", session_id=str(uuid.uuid4())), 404, "not_found")


def test_the_rivals_session_and_agent_are_not_found(server: Server, houses: Houses) -> None:
    acme, globex = houses
    session_id = ask(server, acme, "Is anybody there?").json()["session_id"]
    assert is_problem(ask(server, globex, "What did they say?", session_id=session_id), 404, "not_found")
    with server.rest(globex) as client:
        stolen = client.post("/api/v1/chat", json={"agent": str(acme.agent.id), "message": "Hello"})
        assert is_problem(stolen, 404, "not_found")
        both = {"agent": str(acme.agent.id), "message": "Hello", "session_id": session_id}
        assert is_problem(client.post("/api/v1/chat", json=both), 404, "not_found")


def test_the_rivals_documents_never_answer(server: Server, houses: Houses) -> None:
    acme, globex = houses
    acme.knows("The Quito depot is closed on the second Friday of March.")
    globex.knows("Our offices are painted blue.")
    answer = ask(server, globex, "When is the Quito depot closed?").json()
    assert "Friday" not in answer["response"]
    assert answer["citations"] == []


@pytest.mark.parametrize(
    "authorization", [None, "Bearer", "Bearer cwu_sk_wrong", "Basic eDp5", "Bearer \xff"]
)
def test_without_a_valid_key_nothing_is_answered(
    server: Server, houses: Houses, authorization: str | None
) -> None:
    headers = {b"Authorization": authorization.encode("latin-1")} if authorization else {}
    response = httpx.post(f"{server.url}/api/v1/chat", headers=headers, json={"agent": "x", "message": "y"})
    assert is_problem(response, 401, "unauthorized")
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_revoked_key_opens_nothing(server: Server, houses: Houses) -> None:
    from apps.tenants.models import ApiKey

    acme, _ = houses
    with acme.scope():
        ApiKey.objects.get().revoke()
    assert is_problem(ask(server, acme, "Hello there"), 401, "unauthorized")


@pytest.mark.parametrize(
    ("message", "code"),
    [("", "message_empty"), ("  \n", "message_empty"), ("x" * 100_000, "message_too_long"), ("a\x00b", "message_not_text"),
     ("\ud800", "message_not_text"), (None, "invalid"), (7, "invalid"), (["x"], "invalid")],
)  # fmt: skip
def test_a_message_that_cannot_be_asked_is_explained(
    server: Server, houses: Houses, message: Any, code: str
) -> None:
    assert is_problem(ask(server, houses[0], message), 422, code)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"agent": 1}'])
def test_a_body_that_cannot_be_read_is_explained(server: Server, houses: Houses, body: bytes) -> None:
    with server.rest(houses[0]) as client:
        response = client.post("/api/v1/chat", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in {400, 422}
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/chat", 405),
        ("DELETE", "/api/v1/chat", 405),
        ("POST", "/api/v1/nothing", 404),
        ("GET", "/api/v2/", 404),
    ],
)
def test_a_wrong_method_or_path_is_a_problem_document_too(
    server: Server, houses: Houses, method: str, path: str, status: int
) -> None:
    with server.rest(houses[0]) as client:
        response = client.request(method, path)
    assert is_problem(response, status, response.json()["code"])
    assert response.headers.get("allow") == ("POST" if status == 405 else None)


def test_a_body_above_the_limit_is_refused(server: Server, houses: Houses) -> None:
    assert is_problem(ask(server, houses[0], "x" * 6_000_000), 413, "too_large")


def test_a_body_that_is_nested_without_end_is_refused(server: Server, houses: Houses) -> None:
    with server.rest(houses[0]) as client:
        for path in ("/api/v1/chat", "/api/v1/knowledge"):
            response = client.post(path, content=b"[" * 100_000, headers={"Content-Type": "application/json"})
            assert is_problem(response, 400, "bad_request")


def test_concurrent_messages_of_one_session_are_numbered_without_gaps(server: Server, houses: Houses) -> None:
    """And answered one after the other: each has a message, a start and an end, and one answer."""
    from apps.chats.models import ContentChat, Event

    acme, _ = houses
    agent = acme.scripted("tokens=3")
    body = {"agent": str(agent.id), "message": "Is anybody there?"}
    session_id = streams.ask(server, acme, body).json()["session_id"]
    more = [{**body, "session_id": session_id, "message": f"Question {n}"} for n in range(50)]
    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(lambda one: streams.ask(server, acme, one), more))
    assert [one.json()["message"] for one in found] == [one["message"] for one in more]
    assert {one.json()["response"] for one in found} == {"w0 w1 w2 "}
    with acme.scope():
        exchanges = ContentChat.objects.filter(chat=session_id).order_by("number")
        assert list(exchanges.values_list("number", flat=True)) == list(range(1, 52))
        assert set(exchanges.values_list("attempts", flat=True)) == {1}
        seqs = Event.objects.filter(chat=session_id).order_by("seq").values_list("seq", flat=True)
        assert list(seqs) == list(range(1, 51 * 3 + 1))
