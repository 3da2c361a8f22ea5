"""A small installation to be shot at: PostgreSQL, Valkey, two web processes and a worker, each of which can be killed and comes
back where it was. PostgreSQL is durable here, unlike in the tests, or a kill could lose what was committed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import httpx
from django.db import connections

from benchmarks.harness import ROOT, UNLIMITED
from chatwithus import embedded
from chatwithus.embedded.cluster import free_port
from chatwithus.embedded.folder import CannotStart
from chatwithus.embedded.processes import Child, kill
from tests.folders import fresh_folder

if TYPE_CHECKING:
    from tests.world import House

WEBS = ("web-a", "web-b")
VICTIMS = (*WEBS, "worker", "valkey", "postgres")
PATIENCE = 90.0
SETTINGS = {
    "LEASE_SECONDS": "2",
    "PROVIDERS": "scripted=tests.scripted.Scripted",
    "LOG_LEVEL": "INFO",
    **UNLIMITED,
}
WORKER = "celery -A chatwithus worker --queues celery --concurrency 1 --loglevel INFO --without-gossip --without-mingle"


@dataclass
class Ground:
    """`lives` is who served at which port from when on: a resume is followed to its process by it."""

    services: embedded.Services
    environment: dict[str, str]
    ports: dict[str, int]
    running: dict[str, Child] = field(default_factory=dict)
    lives: list[tuple[float, int, int]] = field(default_factory=list)

    def start(self, name: str) -> None:
        """From the main thread, without waiting until it is ready, except for the services."""
        if name == "postgres":
            self.running[name] = _patiently(self.services.cluster.start)
        elif name == "valkey":
            self.running[name] = self.services.valkey.start()
        elif name == "worker":
            self._run(name, WORKER.split())
        else:
            self._run(name, ["chatwithus.serve"], PORT=str(self.ports[name]))
            self.lives.append((time.monotonic(), self.ports[name], self.running[name].pid))

    def _run(self, name: str, module: list[str], **variables: str) -> None:
        self.running[name] = self.services.children.start(
            name, [sys.executable, "-m", *module], environment=self.environment | variables, folder=ROOT
        )

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Signal it and nothing else; returns the number of the process."""
        pid = self.running[name].pid
        kill(pid, number)
        return pid

    def bury(self, name: str) -> None:
        self.services.children.stop(self.running[name], patience=30)

    async def is_ready(self) -> None:
        """Until everything that runs answers."""
        deadline = time.monotonic() + PATIENCE
        async with httpx.AsyncClient(timeout=5) as client:
            for name in WEBS:
                while not await _answers(client, f"http://127.0.0.1:{self.ports[name]}/readyz"):
                    self._complain(name, deadline)
                    await asyncio.sleep(0.05)
        while "worker" in self.running and b" ready." not in self.running["worker"].log.read_bytes():
            self._complain("worker", deadline)
            await asyncio.sleep(0.05)

    def _complain(self, name: str, deadline: float) -> None:
        if self.running[name].has_ended() or time.monotonic() > deadline:
            raise CannotStart(f"{name} did not come up: {self.running[name].complaint()}")

    def address(self, name: str, agent_id: Any) -> str:
        return f"ws://127.0.0.1:{self.ports[name]}/ws/chat/{agent_id}"

    def house(self) -> "House":
        from tests.world import found_house

        return found_house("shop")

    def pid_at(self, address: str, moment: float) -> int:
        """Which process listened there then."""
        here = [pid for at, port, pid in self.lives if f":{port}/" in address and at <= moment]
        return here[-1]


@contextmanager
def prepared(*, worker: bool = False, **settings: str) -> Iterator[Ground]:
    """Everything started, migrated and settled; Django of this process works on the same database."""
    with fresh_folder() as folder, embedded.started(folder) as services:
        migrate(services)
        here = {**services.environment(), **SETTINGS, **settings}
        os.environ |= here | {"DJANGO_SETTINGS_MODULE": "chatwithus.settings"}
        django.setup()
        ports = {name: free_port() for name in WEBS}
        services_running = {child.name: child for child in services.children.running}
        ground = Ground(services, os.environ | {"DATA_DIR": str(folder)}, ports, services_running)
        for name in (*WEBS, *(["worker"] if worker else [])):
            ground.start(name)
        asyncio.run(ground.is_ready())
        yield ground


def forget_connections() -> None:
    """Those of this process that died with PostgreSQL."""
    for connection in connections.all():
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]


def migrate(services: embedded.Services) -> None:
    owner = services.environment() | services.owner_environment() | {"DATA_DIR": str(services.folder.path)}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=os.environ | owner, check=True)


def _patiently(start: Callable[[], Child]) -> Child:
    """The backends of a killed postmaster take a moment to notice, and hold its memory until they do."""
    for _ in range(50):
        try:
            return start()
        except CannotStart as error:
            refused = error
            time.sleep(0.1)
    raise refused


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False


def kept_log(ground: Ground, folder: Path) -> None:
    """Copy what the processes said, for whoever looks for a fault."""
    folder.mkdir(parents=True, exist_ok=True)
    for child in ground.running.values():
        (folder / f"{child.name}.log").write_bytes(child.log.read_bytes())
