"""Where a provider may go."""

import asyncio
from typing import Any

import pytest

from apps.agents.providers import catalogue
from apps.agents.providers.base import (
    Connection,
)
from tests.agents.asking import failure
from tests.upstream import Upstream
from tests.wires import WIRES


@pytest.mark.parametrize("name", ["ollama", "openai"])
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0"]
)
async def test_a_server_in_the_private_network_is_not_called(name: str, host: str) -> None:
    wire = WIRES[name]
    async with Upstream(wire) as upstream:
        url = wire.connection(upstream.port).url.replace("127.0.0.1", host)
        _, error = await failure(catalogue.load(name, Connection(url=url)))
        assert (error.kind, error.retryable) == ("unreachable", False)
        assert not upstream.asked
        assert not upstream.connections


@pytest.mark.parametrize("name", ["ollama", "openai"])
async def test_redirects_are_not_followed(name: str) -> None:
    wire = WIRES[name]
    async with Upstream(wire) as inside, Upstream(wire) as outside:
        outside.will(status=307, headers=(("Location", f"http://127.0.0.1:{inside.port}/"),))
        _, error = await failure(catalogue.load(name, wire.connection(outside.port)))
        assert error.kind == "refused"
        assert not inside.asked


async def test_what_was_judged_is_what_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that stands for another address a moment later (DNS rebinding) is asked for once."""
    import httpx

    from apps.agents.servers import wire

    asked: list[str] = []

    async def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", (["93.184.216.34", "127.0.0.1"][len(asked) > 1], port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    request = httpx.Request("GET", "https://models.example/v1/x")
    await wire.Transport(Connection(url="https://models.example/v1"))._pin(request)
    assert (request.url.host, request.extensions["sni_hostname"], request.headers["host"]) == (
        "93.184.216.34",
        "models.example",
        "models.example",
    )
    assert asked == ["models.example"]
