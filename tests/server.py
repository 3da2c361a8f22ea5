"""A running web process and worker for tests that come through the front doors, and small clients for them."""

import json
import os
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any

import httpx
import redis
from websockets.sync.client import ClientConnection, connect

from chatwithus.celery import app
from chatwithus.embedded import Services
from chatwithus.embedded.processes import Child
from tests.services import ROOT, environment
from tests.world import House

PATIENCE = 30.0
QUEUES = ("celery", "reading")
# All tests come from one address, as strangers never do; what the defaults are is tested by name.
WIDE = (
    "hello-ip=6000/60 message-visitor=60/60 message-ip=6000/600 message-agent=12000/600 message-tenant=24000/600"
    " request-key=10000/60 request-visitor=600/60 connections-ip=5000 connections-visitor=50 connections-person=100 connections-key=1000"
)


@dataclass(frozen=True)
class Server:
    """Where one web process listens."""

    port: int
    web: Child

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rest(self, house: House | None = None) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=house.headers if house else {}, timeout=PATIENCE)

    def socket(self, path: str, *, origin: str | None, **options: Any) -> ClientConnection:
        """Its queue is unbounded, or a test that leaves frames unread would wait ten seconds for the closing handshake."""
        bounds = {"max_size": None, "max_queue": None}
        return connect(f"ws://127.0.0.1:{self.port}{path}", origin=origin, **bounds, **options)  # type: ignore[arg-type]

    @contextmanager
    def visitor(self, house: House, *, agent: Any = None, **hello: Any) -> Iterator["Visitor"]:
        """A visitor on a page of this house, past `hello`; with its agent, unless another one is named."""
        with self.socket(f"/ws/chat/{(agent or house.agent).id}", origin=house.origin) as connection:
            visitor = Visitor(connection)
            visitor.say("hello", **hello)
            visitor.welcome = visitor.hear("welcome")
            yield visitor


class Visitor:
    """A small client of the visitor's socket; `hear` waits for frames, never for time."""

    welcome: dict[str, Any]

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def say(self, kind: str, **fields: Any) -> None:
        self.connection.send(json.dumps({"type": kind, **fields}))

    def next(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.connection.recv(timeout=PATIENCE))
        return frame

    def hear(self, kind: str) -> dict[str, Any]:
        """The next frame of this type, whatever comes before it."""
        while (frame := self.next())["type"] != kind:
            pass
        return frame

    def ask(self, text: str, *, message_id: str | None = None) -> list[dict[str, Any]]:
        """Send a message and collect every frame up to the end of its reply, but for pings, which come when they like."""
        self.say("message.send", client_message_id=message_id or str(uuid.uuid4()), text=text)
        frames = [self.next()]
        while frames[-1]["type"] not in {"reply.completed", "reply.failed", "reply.cancelled", "error"}:
            frames.append(self.next())
        return [frame for frame in frames if frame["type"] != "ping"]


def text_of(frames: list[dict[str, Any]]) -> str:
    return "".join(frame["text"] for frame in frames if frame["type"] == "reply.delta")


def wait_until(is_so: Callable[[], bool]) -> None:
    """Poll what another process does."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Not so after {PATIENCE} s")
        time.sleep(0.05)


def wait_until_read(client: httpx.Client, knowledge_id: str) -> dict[str, Any]:
    """The source once its reading has ended, one way or the other."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found: dict[str, Any] = client.get(f"/api/v1/knowledge/{knowledge_id}").json()
        if found["status"] in {"ready", "failed"}:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"Still {found['status']} after {PATIENCE} s")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def uvicorn(port: int) -> list[str]:
    """What serves in production and in `make up`; it reads PORT."""
    return [sys.executable, "-m", "chatwithus.serve"]


def daphne(port: int) -> list[str]:
    """What serves in development."""
    return [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]


@contextmanager
def serving(
    services: Services,
    command: Callable[[int], list[str]] = uvicorn,
    *,
    once: str = "readyz",
    **variables: str,
) -> Iterator[Server]:
    """One web process on a free port, from when it answers well `once` it is asked, until the block ends."""
    port = free_port()
    here = {
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        **environment(services),
        "LIMITS": WIDE,
        **variables,
    }
    web = services.children.start(
        f"web-{port}", command(port), environment=dict(os.environ) | here, folder=ROOT
    )
    server = Server(port, web)
    services.children.wait_for(web, lambda: _is_well(server, once), patience=60, remedy="see its log")
    try:
        yield server
    finally:
        services.children.stop(web, patience=10)


@contextmanager
def working(services: Services) -> Iterator[Child]:
    """One Celery worker, until the block ends."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "chatwithus",
        "worker",
        "--queues",
        ",".join(QUEUES),
        "--concurrency",
        "1",
        "--loglevel",
        "INFO",
    ]
    worker = services.children.start(
        "worker", command, environment=dict(os.environ) | environment(services), folder=ROOT
    )
    services.children.wait_for(
        worker, lambda: " ready." in worker.log.read_text(errors="replace"), patience=60, remedy="see its log"
    )
    try:
        yield worker
    finally:
        services.children.stop(worker, patience=10)


@contextmanager
def at_work(services: Services) -> Iterator[None]:
    """The worker does what comes while the block lasts, and not what tests before it left to a worker."""
    with redis.Redis.from_url(services.redis_url()) as queues:
        queues.delete(*QUEUES)
    for queue in QUEUES:
        app.control.add_consumer(queue, reply=True, limit=1, timeout=PATIENCE)
    yield
    for queue in QUEUES:
        app.control.cancel_consumer(queue, reply=True, limit=1, timeout=PATIENCE)


def _is_well(server: Server, once: str) -> bool:
    """Asked a hundred times a second, and so by the cheapest client there is."""
    asking = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        asking.request("GET", f"/{once}")
        return asking.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        asking.close()
