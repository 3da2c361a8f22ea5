"""Limits at the REST door: 429 with all that a client needs to come again in time."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import openai
import pytest

from chatwithus.embedded import Services
from tests.api.streams import following, is_problem, question
from tests.api.test_visitors import ALLOW, become, page
from tests.server import Server, serving
from tests.world import House

Houses = tuple[House, House]


@pytest.fixture(scope="module")
def strict(services: Services) -> Iterator[Server]:
    limits = "message-visitor=3/6 message-agent=30/36000 request-key=100/360000 connections-visitor=2 connections-key=4"
    with serving(services, LIMITS=limits) as running:
        yield running


def test_a_limit_of_100_serves_exactly_100_of_500_at_once(strict: Server, houses: Houses) -> None:
    acme, _ = houses

    def one(client: httpx.Client) -> int:
        return client.get("/api/v1/openai/models").status_code

    with strict.rest(acme) as client, ThreadPoolExecutor(20) as pool:
        found = list(pool.map(one, [client] * 500))
    assert (found.count(200), found.count(429)) == (100, 400)


@pytest.mark.timely
def test_who_is_refused_learns_when_to_come_again_and_is_served_then(strict: Server, houses: Houses) -> None:
    acme, _ = houses
    with page(strict, acme) as client:
        left = [client.post("/api/v1/chat", json=question(acme)) for _ in range(3)]
        assert [one.headers["ratelimit-limit"] for one in left] == ["3"] * 3
        assert [one.headers["ratelimit-remaining"] for one in left] == ["2", "1", "0"]
        refused = client.post("/api/v1/chat", json=question(acme))
        assert is_problem(refused, 429, "too_many_requests")
        assert refused.headers["ratelimit-remaining"] == "0"
        assert "retry-after" in refused.headers["access-control-expose-headers"].lower()
        assert refused.headers[ALLOW] == acme.origin
        wait = int(refused.headers["retry-after"])
        assert 1 <= wait <= 2
        time.sleep(wait)
        assert client.post("/api/v1/chat", json=question(acme)).status_code == 200


def test_a_new_visitor_does_not_fill_the_agents_bucket_again(strict: Server, houses: Houses) -> None:
    """Whoever becomes somebody else for each message is held by what all visitors share."""
    acme, globex = houses
    served = 0
    for _ in range(35):
        with page(strict, acme) as client:
            served += client.post("/api/v1/chat", json=question(acme)).status_code == 200
    assert served == 30
    with page(strict, globex) as client:
        assert client.post("/api/v1/chat", json=question(globex)).status_code == 200


def test_nothing_is_recorded_of_what_was_refused(strict: Server, houses: Houses) -> None:
    from apps.chats.models import ContentChat

    acme, _ = houses
    with page(strict, acme) as client:
        for _ in range(5):
            client.post("/api/v1/chat", json=question(acme))
    with acme.scope():
        assert ContentChat.objects.count() == 3


def test_a_visitor_holds_so_many_streams_and_no_more(strict: Server, houses: Houses) -> None:
    acme, _ = houses
    with page(strict, acme) as client, ExitStack() as held:
        chat = client.post("/api/v1/chat", json=question(acme)).json()["session_id"]
        streams = [held.enter_context(following(client, chat)) for _ in range(2)]
        assert [next(stream).kind for stream in streams] == ["welcome"] * 2
        with client.stream("GET", f"/api/v1/chats/{chat}/events") as refused:
            assert refused.status_code == 429
            refused.read()
        assert is_problem(refused, 429, "too_many_requests")
        assert int(refused.headers["retry-after"]) >= 1
        held.close()
        deadline = time.monotonic() + 10
        while client.post("/api/v1/chat", json=question(acme)).status_code == 429:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_openais_clients_hear_it_in_their_own_words(strict: Server, houses: Houses) -> None:
    acme, _ = houses
    program = openai.OpenAI(base_url=f"{strict.url}/api/v1/openai", api_key=acme.key, max_retries=0)
    with pytest.raises(openai.RateLimitError) as refused:
        for _ in range(101):
            program.models.list()
    assert refused.value.code == "rate_limit_exceeded"
    assert int(refused.value.response.headers["retry-after"]) > 0


def test_a_new_token_is_not_had_without_end(services: Services, houses: Houses) -> None:
    acme, _ = houses
    with serving(services, LIMITS="hello-ip=5/36000") as running:
        assert [become(running, acme).status_code for _ in range(7)] == [200] * 5 + [429] * 2
