"""Every kind of server that can be reached by wire, and a provider that asks it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from apps.agents import attempts, breakers
from apps.agents.providers import catalogue
from apps.agents.providers.base import (
    Provider,
)
from tests.upstream import Upstream
from tests.wires import WIRES, Wire


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest) -> Wire:
    return WIRES[request.param]


@pytest.fixture
async def upstream(wire: Wire) -> AsyncIterator[Upstream]:
    async with Upstream(wire) as upstream:
        yield upstream


@pytest.fixture
def provider(wire: Wire, upstream: Upstream) -> Provider:
    return catalogue.load(wire.provider, wire.connection(upstream.port))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short pauses; what failed in another test is forgotten."""
    monkeypatch.setattr(attempts, "PAUSE", 0.01)
    breakers._failing.clear()
    yield
    breakers._failing.clear()
