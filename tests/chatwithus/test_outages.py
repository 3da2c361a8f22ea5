"""What a web process does while what it leans on is not there, breaks off, or takes no writes, and once it is back."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from django.db import transaction

from apps.chats.models import Chat, ContentChat
from chatwithus.embedded import Services
from tests.chats.elsewhere import Elsewhere, elsewhere
from tests.proxy import Proxy
from tests.server import PATIENCE, Server, free_port, serving, uvicorn, wait_until
from tests.services import ROOT, environment
from tests.world import House

Houses = tuple[House, House]
ADDRESSES = {"database": "DATABASE_URL", "vectors": "VECTOR_DATABASE_URL", "redis": "REDIS_URL"}
READ_ONLY = "?options=-c%20default_transaction_read_only%3Don"
IMPATIENT = "?options=-c%20lock_timeout%3D200"


class Gate:
    """An address behind which a server is while it is open, and nobody while it is shut."""

    def __init__(self, loop: Elsewhere, address: str) -> None:
        behind, self._loop = int(httpx.URL(address).port or 0), loop
        self._proxy = Proxy(behind, port=free_port())
        self.address = address.replace(f"127.0.0.1:{behind}", f"127.0.0.1:{self._proxy.port}")

    def open(self) -> None:
        asyncio.run(self._loop.do(self._proxy.__aenter__()))

    def hang(self) -> None:
        """Whoever is connected is not told, and answered no more."""
        asyncio.run(self._loop.do(self._hang()))

    async def _hang(self) -> None:
        self._proxy.blackhole()

    def shut(self) -> None:
        asyncio.run(self._loop.do(self._proxy.__aexit__(None, None, None)))


@pytest.fixture
def gates(services: Services) -> Iterator[dict[str, Gate]]:
    here = environment(services)
    with elsewhere() as loop, ExitStack() as opened:
        made = {name: Gate(loop, here[variable]) for name, variable in ADDRESSES.items()}
        for gate in made.values():
            opened.callback(gate.shut)
        yield made


@contextmanager
def behind(gates: dict[str, Gate], services: Services, *, once: str) -> Iterator[Server]:
    addresses = {ADDRESSES[name]: gate.address for name, gate in gates.items()}
    with serving(services, uvicorn, once=once, **addresses) as server:
        yield server


def lacking(server: Server) -> set[str]:
    """What readiness names, which is red exactly where it names something."""
    found = httpx.get(f"{server.url}/readyz", timeout=PATIENCE)
    names = {name for name in ADDRESSES if found.json()[name] != "ok"}
    assert (found.status_code == 200) == (not names)
    return names


def asked(server: Server, house: House, **fields: str) -> httpx.Response:
    with server.rest(house) as client:
        body = {"agent": str(house.agent.id), "message": "Is anybody there?", **fields}
        return client.post("/api/v1/chat", json=body)


def test_it_lives_before_what_it_leans_on_and_is_ready_once_all_of_it_is_there(
    services: Services, gates: dict[str, Gate], houses: Houses
) -> None:
    with behind(gates, services, once="livez") as server:
        assert lacking(server) == {"database", "vectors", "redis"}
        gates["redis"].open()
        gates["vectors"].open()
        wait_until(lambda: lacking(server) == {"database"})
        gates["database"].open()
        wait_until(lambda: lacking(server) == set())
        assert asked(server, houses[0]).status_code == 200
        gates["vectors"].hang()
        assert lacking(server) == {"vectors"}
        gates["vectors"].shut()


def test_once_the_databases_are_back_nobody_is_given_a_connection_that_died(
    services: Services, gates: dict[str, Gate], houses: Houses
) -> None:
    acme, _ = houses
    for gate in gates.values():
        gate.open()
    with behind(gates, services, once="readyz") as server, server.visitor(acme) as visitor:
        assert answers(server, acme) == {200}
        for name in ("database", "vectors"):
            gates[name].shut()
            gates[name].open()
        wait_until(lambda: lacking(server) == set())
        assert answers(server, acme) == {200}
        assert visitor.ask("Is anybody there?")[-1]["type"] == "reply.completed"


def answers(server: Server, house: House) -> set[int]:
    """To as many at once as there are connections."""
    with ThreadPoolExecutor(8) as crowd:
        return {one.status_code for one in crowd.map(lambda _: asked(server, house), range(24))}


def test_what_the_database_has_no_room_for_can_be_asked_again(services: Services, houses: Houses) -> None:
    acme, _ = houses
    address = environment(services)["DATABASE_URL"] + IMPATIENT
    with serving(services, DATABASE_URL=address) as server:
        chat = asked(server, acme).json()["session_id"]
        with acme.scope(), transaction.atomic():
            Chat.objects.select_for_update().get(id=chat)
            refused = asked(server, acme, session_id=chat)
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        assert asked(server, acme, session_id=chat).status_code == 200
    with acme.scope():
        assert ContentChat.objects.count() == 2


def test_a_database_that_takes_no_writes_is_named_and_nothing_is_half_written(
    services: Services, houses: Houses
) -> None:
    acme, _ = houses
    address = environment(services)["DATABASE_URL"] + READ_ONLY
    with serving(services, once="livez", DATABASE_URL=address) as server:
        assert httpx.get(f"{server.url}/readyz", timeout=PATIENCE).json()["database"] == "read-only"
        assert lacking(server) == {"database"}
        refused = asked(server, acme)
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        with server.visitor(acme) as visitor:
            assert visitor.ask("Is anybody there?")[-1]["code"] == "unavailable"
    with acme.scope():
        assert not ContentChat.objects.exists()


MIGRATING = """
import sys, django
sys.argv = ["manage.py", "migrate"]
django.setup()
from django.db import connections
for name in ("default", "vectors"):
    print(connections[name].cursor().execute("SHOW lock_timeout").fetchone()[0])
"""


def test_a_migration_does_not_have_everybody_wait_behind_it(services: Services) -> None:
    """Whoever waits for a table alone holds up all who come to it later, for as long as somebody else still reads it."""
    here = services.environment() | services.owner_environment()
    settings = {"DJANGO_SETTINGS_MODULE": "chatwithus.settings", "DATA_DIR": str(services.folder.path)}
    command = [sys.executable, "-c", MIGRATING]
    told = subprocess.run(command, cwd=ROOT, env=os.environ | here | settings, capture_output=True, text=True)
    assert told.stdout.split() == ["10s", "10s"], told.stderr
