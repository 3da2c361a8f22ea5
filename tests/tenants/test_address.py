"""Whose bucket a connection counts in: proxies are believed where they are named, and nowhere else."""

from typing import Any

import pytest
from django.test import RequestFactory
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from apps.tenants.address import UNKNOWN, client_address, normal


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", UNKNOWN),
        ("unix:", UNKNOWN),
        ("203.0.113.9, 10.0.0.1", UNKNOWN),
        ("0177.0.0.1", UNKNOWN),
    ],
)
def test_an_address_has_one_spelling(told: str, counted: str) -> None:
    assert normal(told) == counted


def test_a_request_and_a_socket_from_one_place_count_together() -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.9", HTTP_X_FORWARDED_FOR="198.51.100.1")
    assert client_address(request) == client_address({"client": ("203.0.113.9", 4711)}) == "203.0.113.9"
    assert client_address({"client": None}) == client_address({}) == UNKNOWN


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        (
            "203.0.113.9",
            "198.51.100.1",
            "203.0.113.9",
        ),  # from no proxy of ours: what it says is its own invention
        ("172.29.8.2", "198.51.100.1", "198.51.100.1"),
        (
            "172.29.8.2",
            "6.6.6.6, 198.51.100.1",
            "198.51.100.1",
        ),  # what the client invented stands to the left
        ("172.29.8.2", "6.6.6.6, 198.51.100.1, 172.29.8.2", "198.51.100.1"),
        ("172.29.8.2", None, "172.29.8.2"),
    ],
)
async def test_only_a_named_proxy_is_believed(
    kind: str, peer: str, forwarded: str | None, counted: str
) -> None:
    heard: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        heard.append(client_address(scope))

    headers = [(b"x_forwarded_for", b"7.7.7.7")]
    if forwarded is not None:
        headers.append((b"x-forwarded-for", forwarded.encode()))
    scope: Any = {"type": kind, "client": (peer, 1), "headers": headers, "scheme": "http"}
    await ProxyHeadersMiddleware(application, trusted_hosts="172.29.8.2")(scope, None, None)  # type: ignore[arg-type]
    assert heard == [counted]
