"""Whatever a visitor or a member of staff sends is answered or passed over: no exception, no closed socket, and the next frame is served."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatwithus.embedded import Services
from tests import wild
from tests.server import PATIENCE, Server, Visitor, serving
from tests.staff import cookie_of
from tests.world import House

TIMES, AT_ONCE = 120, 10
Houses = tuple[House, House]
Frames = st.SearchStrategy[str | bytes]


@pytest.fixture(scope="module")
def own(services: Services) -> Iterator[Server]:
    """A server of our own, whose log is ours."""
    with serving(services) as server:
        yield server


def complaints(server: Server) -> list[str]:
    lines = server.web.log.read_text(errors="replace").splitlines()
    return [line for line in lines if "Traceback" in line or " ERROR " in line or "Exception" in line]


def survived(entering: Callable[[], AbstractContextManager[Visitor]], frames: Frames, *, times: int) -> None:
    """Some of these, a few on each socket, after which the next frame is served."""

    @settings(max_examples=times, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(frames, min_size=1, max_size=AT_ONCE))
    def go_on(sent: list[str | bytes]) -> None:
        with entering() as somebody:
            for message in sent:
                somebody.connection.send(message)
            assert is_served(somebody)

    go_on()


def test_any_frames_of_visitors_are_survived(own: Server, houses: Houses) -> None:
    survived(lambda: own.visitor(houses[0]), wild.by_visitors(), times=TIMES)
    assert complaints(own) == []


@pytest.mark.parametrize(("path", "times"), [("/ws/inbox", 50), ("/ws/dashboard", 15)])
def test_any_frames_of_staff_are_survived(own: Server, houses: Houses, path: str, times: int) -> None:
    """About a chat of theirs, one of others, and none."""
    chats = [asked(own, house) for house in houses]
    survived(staff(own, houses[0], path), wild.by_staff(*chats, str(uuid4())), times=times)
    assert complaints(own) == []


def asked(server: Server, house: House) -> str:
    with server.visitor(house) as visitor:
        return str(visitor.ask("Well?")[0]["chat"])


def staff(server: Server, house: House, path: str) -> Callable[[], AbstractContextManager[Visitor]]:
    cookie = {"Cookie": cookie_of(server, house.user.username)}

    @contextmanager
    def entering() -> Iterator[Visitor]:
        with server.socket(path, origin=server.url, additional_headers=cookie) as connection:
            yield Visitor(connection)

    return entering


def is_served(somebody: Visitor) -> bool:
    """A frame of which nobody could have known is answered by name."""
    somebody.connection.send(json.dumps({"type": "last.frame"}))
    while True:
        told = json.loads(somebody.connection.recv(timeout=PATIENCE))
        if told["type"] == "error" and "last.frame" in told["detail"]:
            return True
