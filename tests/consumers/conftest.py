"""The sockets are tested on both servers: uvicorn, which serves in production, and daphne, which `runserver` uses."""

from collections.abc import Iterator

import pytest

from chatwithus.embedded import Services
from tests.server import Server, daphne, serving


@pytest.fixture(scope="session")
def development(services: Services) -> Iterator[Server]:
    with serving(services, daphne) as running:
        yield running


@pytest.fixture(params=["production", "development"])
def server(request: pytest.FixtureRequest) -> Server:
    """Not of the session, which would start one anew whenever a test wants the other."""
    running: Server = request.getfixturevalue(request.param)
    return running
