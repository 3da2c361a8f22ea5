"""Visitors at the REST door whom the tenant vouches for; and what becomes of open streams when somebody is shut out."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from apps.chats.models import ContentChat
from apps.tenants.models import ApiKey, Tenant
from tests.api.streams import is_problem, question
from tests.server import Server
from tests.tokens import forged, signed, vouching
from tests.world import House

Houses = tuple[House, House]


def become(server: Server, house: House, jwt: Any) -> httpx.Response:
    body = {"agent": str(house.agent.id), "jwt": jwt}
    return httpx.post(
        f"{server.url}/api/v1/visitors", json=body, headers={"Origin": house.origin}, timeout=30
    )


def page(server: Server, house: House, token: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}", "Origin": house.origin}
    return httpx.Client(base_url=server.url, headers=headers, timeout=30)


def test_a_person_is_the_same_visitor_each_time(server: Server, houses: Houses) -> None:
    acme = vouching(houses[0])
    until = int(time.time()) + 300
    first, second = (become(server, acme, signed(acme, exp=until)).json() for _ in range(2))
    assert first["visitor"] == second["visitor"]
    assert first["visitor"].startswith("u_")
    assert first["expires_at"].startswith(time.strftime("%Y-%m-%dT%H:%M", time.gmtime(until)))
    with page(server, acme, first["token"]) as one, page(server, acme, second["token"]) as other:
        session_id = one.post("/api/v1/chat", json=question(acme)).json()["session_id"]
        assert other.get(f"/api/v1/chats/{session_id}").status_code == 200
    assert (first["session_id"], become(server, acme, signed(acme)).json()["session_id"]) == (
        None,
        session_id,
    )
    another = become(server, acme, signed(acme, sub="customer-8")).json()
    assert another["session_id"] is None
    with page(server, acme, another["token"]) as stranger:
        assert is_problem(stranger.get(f"/api/v1/chats/{session_id}"), 404, "not_found")


def test_no_forged_jwt_becomes_a_visitor(server: Server, houses: Houses) -> None:
    acme, globex = vouching(houses[0]), vouching(houses[1], "another-secret-of-a-rival-tenant-of-ours")
    for what, token in forged(acme, globex).items():
        assert is_problem(become(server, acme, token), 422, "bad_identity"), what
    not_text: tuple[Any, ...] = (7, [], {})
    for wrong in not_text:
        assert is_problem(become(server, acme, wrong), 422, "invalid")


def test_a_token_ends_with_the_secret_that_vouched_for_it(server: Server, houses: Houses) -> None:
    acme = vouching(houses[0])
    token = become(server, acme, signed(acme)).json()["token"]
    with page(server, acme, token) as client:
        session_id = client.post("/api/v1/chat", json=question(acme)).json()["session_id"]
        vouching(acme, "the-secret-that-came-after-the-first-one")
        for found in (
            client.get(f"/api/v1/chats/{session_id}"),
            client.post("/api/v1/chat", json=question(acme)),
        ):
            assert is_problem(found, 401, "unauthorized")


def test_a_token_ends_when_the_jwt_does(server: Server, houses: Houses) -> None:
    acme = vouching(houses[0])
    until = int(time.time()) + 2
    token = become(server, acme, signed(acme, exp=until)).json()["token"]
    with page(server, acme, token) as client:
        assert client.post("/api/v1/chat", json=question(acme)).status_code in {200, 401}
        time.sleep(max(0.0, until - time.time()))
        assert is_problem(client.post("/api/v1/chat", json=question(acme)), 401, "unauthorized")


def revoke(house: House, key: ApiKey) -> None:
    with house.scope():
        ApiKey.objects.filter(id=key.id).update(revoked_at=timezone.now())


def expire(house: House, key: ApiKey) -> None:
    with house.scope():
        ApiKey.objects.filter(id=key.id).update(expires_at=timezone.now() + timedelta(seconds=0.1))


def suspend(house: House, key: ApiKey) -> None:
    Tenant.objects.filter(id=house.tenant.id).update(suspended_at=timezone.now())


@pytest.mark.timely
@pytest.mark.parametrize("change", [revoke, expire, suspend])
def test_a_programs_streams_end_within_a_second(
    server: Server, houses: Houses, change: Callable[[House, ApiKey], None]
) -> None:
    acme, _ = houses
    with acme.scope():
        key, secret = ApiKey.mint("Follower", ["chat"])
    agent = acme.scripted("tokens=400 rate=50")
    headers = {"Authorization": f"Bearer {secret}"}
    body = {"agent": str(agent.id), "message": "Go on", "stream": True}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30) as program:
        with program.stream("POST", "/api/v1/chat", json=body) as told:
            lines = told.iter_lines()
            while not next(lines).startswith("event: reply.delta"):
                pass
            change(acme, key)
            began = time.monotonic()
            rest = "\n".join(lines)
            assert time.monotonic() - began < 1.3
        assert "reply.completed" not in rest
        assert is_problem(program.post("/api/v1/chat", json=body), 401, "unauthorized")


@pytest.mark.timely
def test_a_visitors_stream_ends_where_the_origin_goes(server: Server, houses: Houses) -> None:
    acme, globex = houses
    token = become(server, acme, None).json()["token"]
    with (
        page(server, acme, token) as client,
        page(server, globex, become(server, globex, None).json()["token"]) as rival,
    ):
        session_id = client.post("/api/v1/chat", json=question(acme)).json()["session_id"]
        theirs = rival.post("/api/v1/chat", json=question(globex)).json()["session_id"]
        with (
            client.stream("GET", f"/api/v1/chats/{session_id}/events") as told,
            rival.stream("GET", f"/api/v1/chats/{theirs}/events") as beside,
        ):
            lines, others = told.iter_lines(), beside.iter_lines()
            next(lines)
            Tenant.objects.filter(id=acme.tenant.id).update(allowed_origins=[])
            began = time.monotonic()
            list(lines)
            assert time.monotonic() - began < 1.0
            assert next(others)


def test_what_was_let_in_on_a_cached_word_is_asked_about_where_it_writes(
    server: Server, houses: Houses
) -> None:
    """A socket keeps the process's cache in use; still nothing is written after the commit."""
    acme, _ = houses
    token = become(server, acme, None).json()["token"]
    with server.visitor(acme), page(server, acme, token) as client:
        assert client.post("/api/v1/chat", json=question(acme)).status_code == 200
        suspend(acme, None)  # type: ignore[arg-type]
        for _ in range(20):
            assert client.post("/api/v1/chat", json=question(acme)).status_code in {401, 403}
    with acme.scope():
        assert ContentChat.objects.count() == 1
