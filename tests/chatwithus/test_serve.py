"""How a web process ends: red first, then quiet, then gone, whoever hangs."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from django.db import connection, transaction
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode

from apps.chats.models import Chat
from chatwithus import serve
from chatwithus.embedded import Services
from tests.bare import UPGRADE, frame
from tests.server import PATIENCE, Server, Visitor, serving, uvicorn
from tests.world import House

Houses = tuple[House, House]


@contextmanager
def ending(services: Services, **settings: str) -> Iterator[Server]:
    with serving(services, uvicorn, **settings) as server:
        yield server
        server.web.finish()


def stop(server: Server) -> None:
    os.kill(server.web.pid, signal.SIGTERM)


def status(server: Server, *, within: float) -> int:
    """Its exit status, once it has ended by itself."""
    deadline = time.monotonic() + within
    while not server.web.has_ended():
        assert time.monotonic() < deadline, f"it has not ended after {within} s"
        time.sleep(0.01)
    return server.web.finish()


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def readiness(server: Server) -> tuple[int, str]:
    answer = httpx.get(f"{server.url}/readyz", timeout=PATIENCE)
    return answer.status_code, answer.json()["status"]


def close_code(visitor: Visitor) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            visitor.connection.recv(timeout=PATIENCE)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def test_it_turns_red_first_and_serves_on_until_the_delay_is_over(services: Services, houses: Houses) -> None:
    with ending(services, DRAIN_SECONDS="3") as server, server.visitor(houses[0]) as early:
        assert readiness(server) == (200, "ready")
        stop(server)
        until(lambda: readiness(server) == (503, "draining"))
        with server.visitor(houses[0]) as late, server.rest(houses[0]) as client:
            assert late.ask("Is anybody there?")[-1]["type"] == "reply.completed"
            question = {"agent": str(houses[0].agent.id), "message": "And there?"}
            assert client.post("/api/v1/chat", json=question).status_code == 200
            assert httpx.get(f"{server.url}/livez").status_code == 200
            assert (close_code(early), close_code(late)) == (1012, 1012)
        assert status(server, within=PATIENCE) == 0


def test_a_second_signal_hurries(services: Services, houses: Houses) -> None:
    with ending(services, DRAIN_SECONDS="60") as server, server.visitor(houses[0]) as visitor:
        stop(server)
        until(lambda: readiness(server)[1] == "draining")
        stop(server)
        assert close_code(visitor) == 1012
        assert status(server, within=PATIENCE) == 0


@pytest.mark.timely
def test_without_a_delay_it_ends_at_once(services: Services, houses: Houses) -> None:
    with ending(services) as server, server.visitor(houses[0]) as visitor:
        began = time.monotonic()
        stop(server)
        assert close_code(visitor) == 1012
        assert status(server, within=5) == 0
        assert time.monotonic() - began < 3


def test_a_stream_ends_so_that_its_client_resumes_elsewhere(services: Services, houses: Houses) -> None:
    acme, _ = houses
    acme.tenant.providers = ["scripted"]
    acme.tenant.save()
    with acme.scope():
        acme.agent.provider, acme.agent.model, acme.agent.only_from_knowledge = (
            "scripted",
            "tokens=10000 rate=20",
            False,
        )
        acme.agent.save()
    with ending(services, FINISH_SECONDS="2") as server, server.rest(acme) as client:
        body = {"agent": str(acme.agent.id), "message": "Is anybody there?", "stream": True}
        with client.stream("POST", "/api/v1/chat", json=body) as answer:
            lines = answer.iter_lines()
            assert next(line for line in lines if line.startswith("data:") and "reply.delta" in line)
            stop(server)
            told = list(lines)  # it comes to its end, and not by an error
        assert not any("reply.completed" in line for line in told)
        assert status(server, within=2 + serve.MARGIN) == 0


def test_a_client_that_does_not_read_does_not_hold_it_up(services: Services, houses: Houses) -> None:
    with ending(services) as server, deaf(server, houses[0]):
        stop(server)
        assert status(server, within=serve.MARGIN) == 0


@contextmanager
def deaf(server: Server, house: House) -> Iterator[None]:
    """A visitor who says more and more, and reads nothing of what is answered until the server has to wait."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        path, origin = f"GET /ws/chat/{house.agent.id}".encode(), f"\r\nOrigin: {house.origin}".encode()
        connection.sendall(path + UPGRADE + origin + b"\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 101"
        connection.settimeout(1)
        with pytest.raises(TimeoutError):
            while True:
                connection.sendall(frame(Opcode.TEXT, b"nonsense") * 1000)
        yield


def test_a_stream_that_nobody_reads_is_dropped(services: Services, houses: Houses) -> None:
    """A socket's own heartbeat does not see these: an event stream hears nothing from its client."""
    acme, _ = houses
    agent = acme.scripted("tokens=100000 rate=20000")
    body = json.dumps({"agent": str(agent.id), "message": "Is anybody there?", "stream": True})
    head = f"POST /api/v1/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {acme.key}\r\nContent-Type: application/json"
    with ending(services, UNREAD_SECONDS="1") as server, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        connection.recv(12)
        assert _is_held(server, connection)
        until(lambda: not _is_held(server, connection))


def _is_held(server: Server, connection: socket.socket) -> bool:
    """Whether the server's end is established, as the kernel says; the client's is told nothing."""
    here, there = f":{server.port:04X}", f":{connection.getsockname()[1]:04X}"
    rows = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(
        local.endswith(here) and remote.endswith(there) and state == "01" for local, remote, state in rows
    )


def test_a_thread_that_hangs_does_not_hold_it_up(services: Services, houses: Houses) -> None:
    acme, _ = houses
    with ending(services, FINISH_SECONDS="1") as server, server.visitor(acme) as visitor:
        chat = visitor.ask("Is anybody there?")[0]["chat"]
        with acme.scope(), transaction.atomic():
            Chat.objects.select_for_update().get(id=chat)
            visitor.say("message.send", client_message_id="m2", text="And now?")
            until(_somebody_waits)
            stop(server)
            assert close_code(visitor) == 1012
            assert status(server, within=1 + serve.MARGIN + 3) == 0


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
