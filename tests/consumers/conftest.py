"""The sockets are tested on both servers: uvicorn, which serves, and daphne, which `runserver` uses."""

from collections.abc import Iterator

import pytest

from chatwithus.embedded import Services
from tests.server import Server, daphne, serving, uvicorn

COMMANDS = {"uvicorn": uvicorn, "daphne": daphne}


@pytest.fixture(scope="session", params=COMMANDS)
def server(request: pytest.FixtureRequest, services: Services) -> Iterator[Server]:
    with serving(services, COMMANDS[request.param]) as running:
        yield running


@pytest.fixture(scope="session")
def uvicorn_only(services: Services) -> Iterator[Server]:
    with serving(services) as running:
        yield running
