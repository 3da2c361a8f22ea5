"""Whatever a visitor sends is answered or passed over: no exception, no closed socket, and the next frame is served."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatwithus.embedded import Services
from tests.server import PATIENCE, Server, Visitor, serving
from tests.wild import messages
from tests.world import House

TIMES, AT_ONCE = 120, 10


@pytest.fixture(scope="module")
def own(services: Services) -> Iterator[Server]:
    """A server of our own, whose log is ours."""
    with serving(services) as server:
        yield server


def complaints(server: Server) -> list[str]:
    lines = server.web.log.read_text(errors="replace").splitlines()
    return [line for line in lines if "Traceback" in line or " ERROR " in line or "Exception" in line]


def test_any_frames_at_all_are_survived(own: Server, houses: tuple[House, House]) -> None:
    acme, _ = houses

    @settings(max_examples=TIMES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(messages, min_size=1, max_size=AT_ONCE))
    def survived(sent: list[str | bytes]) -> None:
        with own.visitor(acme) as visitor:
            for message in sent:
                visitor.connection.send(message)
            assert is_served(visitor)

    survived()
    assert complaints(own) == []


def is_served(visitor: Visitor) -> bool:
    """A frame of which nobody could have known is answered by name."""
    visitor.connection.send(json.dumps({"type": "last.frame"}))
    while True:
        told = json.loads(visitor.connection.recv(timeout=PATIENCE))
        if told["type"] == "error" and "last.frame" in told["detail"]:
            return True
