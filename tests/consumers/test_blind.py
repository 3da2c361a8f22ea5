"""While PostgreSQL gives no answer nobody knows who may stay: for as long as a lease holds they do, then nobody does."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from chatwithus.embedded import Services
from tests.chats.elsewhere import Elsewhere, elsewhere
from tests.proxy import Proxy
from tests.server import PATIENCE, Server, serving, wait_until
from tests.services import environment
from tests.staff import inbox
from tests.world import House

Houses = tuple[House, House]
LEASE = 3
SOON = LEASE + 2.5  # a poll, the farewell, and a busy machine


class Database:
    """What stands between a server and its PostgreSQL."""

    def __init__(self, proxy: Proxy, loop: Elsewhere) -> None:
        self._proxy, self._loop = proxy, loop

    def falls_silent(self) -> float:
        self._do(self._proxy.blackhole)
        return time.monotonic()

    def comes_back(self) -> None:
        self._do(self._proxy.restore)

    def _do(self, deed: object) -> None:
        async def do() -> None:
            deed()  # type: ignore[operator]

        asyncio.run(self._loop.do(do()))


@contextmanager
def behind_a_proxy(services: Services) -> Iterator[tuple[Server, Database]]:
    address = environment(services)["DATABASE_URL"]
    with elsewhere() as loop:
        proxy = Proxy(port_of(address))
        asyncio.run(loop.do(proxy.__aenter__()))
        try:
            through = address.replace(f":{port_of(address)}/", f":{proxy.port}/")
            with serving(services, DATABASE_URL=through, LEASE_SECONDS=str(LEASE)) as server:
                yield server, Database(proxy, loop)
        finally:
            proxy.restore()
            asyncio.run(loop.do(proxy.__aexit__(None, None, None)))


def port_of(address: str) -> int:
    return int(httpx.URL(address).port or 0)


def closed(connection: ClientConnection) -> tuple[int, float]:
    with pytest.raises(ConnectionClosed) as ending:
        while True:
            connection.recv(timeout=PATIENCE)
    assert ending.value.rcvd is not None
    return ending.value.rcvd.code, time.monotonic()


@pytest.mark.timely
def test_visitors_staff_and_programs_are_parted_from_and_come_back(
    services: Services, houses: Houses
) -> None:
    acme, _ = houses
    with (
        behind_a_proxy(services) as (server, database),
        server.visitor(acme) as visitor,
        inbox(server, acme) as staff,
        server.rest(acme) as program,
    ):
        chat = visitor.ask("Is anybody there?")[0]["chat"]
        with program.stream("GET", f"/api/v1/chats/{chat}/events") as stream:
            told = stream.iter_raw()
            assert b"welcome" in next(told)
            began = database.falls_silent()
            ends = [closed(each.connection) for each in (visitor, staff)]
            assert [code for code, _ in ends] == [1013, 1013]  # come again: nobody was shut out
            assert all(LEASE - 1 < at - began < SOON for _, at in ends), [at - began for _, at in ends]
            assert b"".join(told).count(b"event: message") == 0
            assert time.monotonic() - began < SOON
        database.comes_back()
        wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 200)
        with server.visitor(acme, token=visitor.welcome["token"], chat=chat) as again:
            assert again.welcome["chat"] == chat


def test_a_short_silence_parts_nobody(services: Services, houses: Houses) -> None:
    acme, _ = houses
    with behind_a_proxy(services) as (server, database), server.visitor(acme) as visitor:
        visitor.ask("Is anybody there?")
        database.falls_silent()
        with pytest.raises(TimeoutError):
            while True:
                visitor.connection.recv(timeout=LEASE / 3)
        database.comes_back()
        assert visitor.ask("And now?")[-1]["type"] == "reply.completed"
