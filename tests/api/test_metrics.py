"""`/metrics`: whom it is shown to, and that it does not grow with tenants."""

from collections.abc import Iterator

import httpx
import pytest
from django.conf import LazySettings
from django.test import AsyncRequestFactory

from apps.api.metrics import metrics
from chatwithus.embedded import Services
from tests.server import Server, serving
from tests.world import House

Houses = tuple[House, House]


@pytest.fixture(scope="module")
def server(services: Services) -> Iterator[Server]:
    """One that counts for no other test."""
    with serving(services) as running:
        yield running


def series(server: Server) -> dict[str, float]:
    text = httpx.get(f"{server.url}/metrics").text
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def total(server: Server, name: str) -> float:
    return sum(value for one, value in series(server).items() if one.startswith(name))


def test_what_happens_is_counted(server: Server, houses: Houses) -> None:
    acme, _ = houses
    names = (
        'cwu_replies_total{reason="",state="completed"}',
        'cwu_limit_taken_total{limit="message-visitor"}',
        "cwu_reply_first_token_seconds_count",
        'cwu_http_request_seconds_count{method="GET",route="livez",status="2xx"}',
    )
    before = series(server)
    with server.visitor(acme) as visitor:
        visitor.ask("Hello")
        assert total(server, 'cwu_connections_open{cap="connections-visitor"}') >= 1
    httpx.get(f"{server.url}/livez")
    after = series(server)
    assert [after[name] - before.get(name, 0) for name in names] == [1, 1, 1, 1]


def test_it_names_nobody_and_does_not_grow_with_tenants(server: Server, houses: Houses) -> None:
    acme, globex = houses
    for house in (acme, acme, globex):
        with server.visitor(house) as visitor:
            visitor.ask("Hello")
        httpx.get(f"{server.url}/nothing/{house.agent.id}")
        httpx.get(f"{server.url}/api/v1/knowledge/{house.agent.id}")
        if house is acme:
            before = set(series(server))
    assert set(series(server)) == before
    told = httpx.get(f"{server.url}/metrics").text
    for house in (acme, globex):
        for name in (house.tenant.slug, str(house.tenant.id), str(house.agent.id), house.key, house.origin):
            assert name not in told


@pytest.mark.parametrize(
    ("address", "headers", "token", "is_shown"),
    [
        ("127.0.0.1", {}, "", True),
        ("::1", {}, "", True),
        ("203.0.113.9", {}, "", False),
        ("203.0.113.9", {"Authorization": "Bearer "}, "", False),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, "", False),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.9"}, "", False),
        ("127.0.0.1", {"Via": "1.1 proxy"}, "", False),
        ("203.0.113.9", {"Authorization": "Bearer sesame"}, "sesame", True),
        ("203.0.113.9", {"Authorization": "Bearer wrong"}, "sesame", False),
        ("203.0.113.9", {"Authorization": "Basic sesame"}, "sesame", False),
        ("unknown", {}, "", False),
    ],
)
async def test_it_is_for_this_machine_and_for_who_has_the_token(
    address: str, headers: dict[str, str], token: str, is_shown: bool, settings: LazySettings
) -> None:
    from django.http import Http404

    settings.METRICS_TOKEN = token
    request = AsyncRequestFactory(REMOTE_ADDR=address).get("/metrics", headers=headers)
    request.META["REMOTE_ADDR"] = address
    if is_shown:
        assert b"cwu_" in (await metrics(request)).content
    else:
        with pytest.raises(Http404):
            await metrics(request)
