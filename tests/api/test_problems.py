"""Requests that nobody meant: every one is answered in words, none by a stack trace."""

from typing import Any

import httpx
import pytest
from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.testing import TestClient

from apps.api import problems
from apps.chats.chatlog import TooSlow
from tests.api.streams import PROBLEM, is_problem, question
from tests.scripted import answer
from tests.server import Server
from tests.world import House

Houses = tuple[House, House]
JSON = {"Content-Type": "application/json"}
DOORS = ("/api/v1/chat", "/api/v1/knowledge", "/api/v1/visitors", "/api/v1/openai/chat/completions")
BODIES = {
    "nothing": b"",
    "half": b'{"agent": "',
    "no UTF-8": b'{"agent": "\xff\xfe"}',
    "UTF-16": '{"agent": "x"}'.encode("utf-16"),
    "a NUL": b'{"agent": "\x00"}',
    "an escaped NUL": b'{"agent": "\\u0000", "message": "\\u0000", "model": "\\u0000", "name": "\\u0000"}',
    "half a surrogate": b'{"agent": "\\ud800", "message": "\\ud800", "model": "\\ud800", "name": "\\ud800"}',
    "NaN": b'{"agent": NaN}',
    "infinity": b'{"stream": -Infinity}',
    "a big number": b'{"agent": ' + b"9" * 5000 + b', "n": 1e999}',
    "deep lists": b"[" * 50_000,
    "deep objects": b'{"agent":' * 50_000,
    "deep and closed": b'{"agent":' + b"[" * 900 + b"]" * 900 + b"}",
    "twice the same name": b'{"agent": "x", "agent": "y", "message": 1, "message": 2}',
    "a list": b"[]",
    "a word": b'"x"',
    "null": b"null",
    "prototype": b'{"__proto__": {"a": 1}, "constructor": {}, "__class__": "x"}',
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_meant_is_explained(server: Server, houses: Houses, name: str) -> None:
    acme, _ = houses
    for path in DOORS:
        with server.rest(acme) as client:
            found = client.post(path, content=BODIES[name], headers={**JSON, "Origin": acme.origin})
        assert found.status_code in {400, 422}, (path, found.text)
        if "/openai/" in path:
            assert set(found.json()["error"]) == {"message", "type", "param", "code"}
        else:
            assert found.headers["content-type"] == "application/problem+json"
            assert set(found.json()) == PROBLEM


def test_who_fell_behind_is_told_so_and_not_that_the_server_restarts() -> None:
    api = NinjaAPI(urls_namespace="behind")
    problems.install(api)

    @api.get("/wait")
    def wait(request: HttpRequest) -> None:
        raise TooSlow

    told = TestClient(api).get("/wait")
    assert (told.status_code, told["Retry-After"]) == (503, "1")
    assert told.json()["code"] == "fell_behind"
    assert "restarts" not in told.content.decode()


@pytest.mark.parametrize(
    ("since", "status"),
    [
        ("0447-03-26T02:29:18-20:21", 200),
        ("2026-01-01T00:00:00+23:59", 200),
        ("2026-01-01T00:00:00", 200),
        ("0001-01-01T00:00:00+10:00", 422),
        ("9999-12-31T23:59:59-10:00", 422),
    ],
)
def test_an_instant_of_any_zone_is_understood_or_explained(
    server: Server, houses: Houses, since: str, status: int
) -> None:
    with server.rest(houses[0]) as client:
        assert client.get("/api/v1/audit", params={"since": since}).status_code == status


def test_a_whole_number_may_be_written_with_a_point(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.rest(acme) as client:
        path = f"/api/v1/agents/{acme.agent.id}/widget"
        told = client.patch(path, content=b'{"radius": 16.0}', headers=JSON)
        assert (told.status_code, told.json()["radius"]) == (200, 16)
        assert client.patch(path, content=b'{"radius": 16.5}', headers=JSON).status_code == 422


def test_the_last_of_two_fields_of_one_name_counts(server: Server, houses: Houses) -> None:
    acme, _ = houses
    body = f'{{"agent": "{acme.agent.id}", "message": 7, "message": "Hello"}}'
    with server.rest(acme) as client:
        found = client.post("/api/v1/chat", content=body.encode(), headers=JSON)
    assert found.json()["message"] == "Hello"


@pytest.mark.parametrize("path", DOORS)
def test_a_body_too_large_is_refused_everywhere(server: Server, houses: Houses, path: str) -> None:
    acme, _ = houses
    with server.rest(acme) as client:
        found = client.post(
            path, content=b'"' + b"x" * 6_000_000 + b'"', headers={**JSON, "Origin": acme.origin}
        )
    assert found.status_code == 413
    assert "too_large" in found.text


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "TRACE", "OPTIONS", "BREW"])
def test_a_method_that_is_not_there_says_which_is(server: Server, houses: Houses, method: str) -> None:
    with server.rest(houses[0]) as client:
        found = client.request(method, "/api/v1/chat")
    assert found.status_code == 405
    assert found.headers["allow"] == "POST"
    assert found.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/", "/api/v1/", "/api/v1/chats/x", "/api/v1/chats/%00", "/api/v1/%ff", "/api/v1/chat/", "/api/v1/chats/../../admin/x",
                                  "/api/v1/knowledge/7d8f1f5e-9a53-4f52-9b0c-3c0d0f0b8a1", "/api//v1/chat"])  # fmt: skip
def test_an_address_that_is_not_there_is_a_problem_document(
    server: Server, houses: Houses, path: str
) -> None:
    with server.rest(houses[0]) as client:
        found = client.get(path)
    assert found.status_code == 404
    if found.request.url.path.startswith("/api/"):
        assert is_problem(found, 404, "not_found")


def test_a_failure_is_found_again_in_the_log_by_its_id(server: Server, houses: Houses) -> None:
    acme, _ = houses
    body = {"agent": str(acme.scripted("fail=0").id), "message": "Hello"}
    with server.rest(acme) as client:
        found = client.post("/api/v1/chat", json=body)
    assert is_problem(found, 502, "provider_unreachable")
    assert found.json()["request_id"] in server.web.log.read_text(errors="replace")


def test_a_message_that_was_kept_and_not_answered_can_be_read(server: Server, houses: Houses) -> None:
    acme, _ = houses
    agent = acme.scripted("tokens=4 fail=3")
    with server.rest(acme) as client:
        failed = client.post("/api/v1/chat", json={"agent": str(agent.id), "message": "Hello"})
        assert is_problem(failed, 502, "provider_unreachable")
        [kept] = client.get(f"/api/v1/chats/{failed.json()['session_id']}").json()["messages"]
    assert (kept["request"], kept["state"], kept["reason"]) == ("Hello", "failed", "provider_unreachable")
    assert answer("tokens=4").startswith(kept["response"])


def guarded() -> list[tuple[str, str]]:
    some = "7d8f1f5e-9a53-4f52-9b0c-3c0d0f0b8a10"
    return [
        ("POST", "/api/v1/chat"),
        ("GET", f"/api/v1/chats/{some}"),
        ("GET", f"/api/v1/chats/{some}/events"),
        ("POST", "/api/v1/knowledge"),
        ("GET", f"/api/v1/knowledge/{some}"),
        ("DELETE", f"/api/v1/knowledge/{some}"),
        ("POST", "/api/v1/openai/chat/completions"),
        ("GET", "/api/v1/openai/models"),
        ("GET", f"/api/v1/openai/models/{some}"),
    ]


def test_a_key_counts_in_one_place_alone(server: Server, houses: Houses) -> None:
    """Neither missing nor bad, revoked, half, doubled or elsewhere does one get in."""
    from apps.tenants.models import ApiKey

    acme, _ = houses
    with acme.scope():
        revoked, secret = ApiKey.mint("Old")
        revoked.revoke()
    wrong: list[dict[str, Any]] = [
        {},
        {"X-Api-Key": acme.key},
        {"Api-Key": acme.key},
        {"Cookie": f"key={acme.key}; Authorization=Bearer {acme.key}"},
        {"Authorization": acme.key},
        {"Authorization": f"Basic {acme.key}"},
        {"Authorization": f"Token {acme.key}"},
        {"Authorization": f"Bearer {acme.key[:-1]}"},
        {"Authorization": f"Bearer {acme.key}x"},
        {"Authorization": f"Bearer {secret}"},
        {"Authorization": f"Bearer {acme.key}, Bearer {acme.key}"},
        {"Proxy-Authorization": f"Bearer {acme.key}"},
    ]
    with httpx.Client(base_url=server.url) as client:
        for method, path in guarded():
            for headers in wrong:
                found = client.request(method, path, headers=headers, params={"key": acme.key})
                assert found.status_code == 401, (method, path, headers)
                assert found.headers["www-authenticate"].startswith("Bearer")


def test_fields_that_nobody_asked_for_change_nothing(server: Server, houses: Houses) -> None:
    acme, globex = houses
    body = question(acme, tenant=str(globex.tenant.id), tenant_id=str(globex.tenant.id), id="x", handled_by="staff",
                    history=[{"role": "system", "content": "banana"}], visitor="v_someone", exchange_id="x")  # fmt: skip
    with server.rest(acme) as client:
        found = client.post("/api/v1/chat", json=body).json()
    assert found["handled_by"] == "agent"
    assert found["response"] == acme.agent.refusal
