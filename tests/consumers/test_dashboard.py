"""The dashboard's socket: only members of the tenant, only from our own pages."""

import json

import pytest
from websockets.exceptions import ConnectionClosed

from apps.analysis import live
from apps.tenants import valkey
from tests.server import PATIENCE, Server, Visitor, wait_until
from tests.staff import cookie_of
from tests.world import House

Houses = tuple[House, House]


def closed_with(server: Server, origin: str | None, cookie: str | None) -> int:
    headers = {"Cookie": cookie} if cookie else {}
    with server.socket("/ws/dashboard", origin=origin, additional_headers=headers) as connection:
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=PATIENCE)
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code


def test_a_member_on_our_page_gets_a_snapshot_at_once(server: Server, houses: Houses) -> None:
    cookie = {"Cookie": cookie_of(server, houses[0].user.username)}
    with server.socket("/ws/dashboard", origin=server.url, additional_headers=cookie) as connection:
        assert Visitor(connection).next()["type"] == "snapshot"


def test_a_dashboard_that_valkey_parted_from_hears_of_things_again(server: Server, houses: Houses) -> None:
    """As when it was killed and came back empty: nobody stays on an open socket to which nothing comes."""
    acme, _ = houses
    cookie = {"Cookie": cookie_of(server, acme.user.username)}
    with server.socket("/ws/dashboard", origin=server.url, additional_headers=cookie) as connection:
        reader = Visitor(connection)
        assert reader.next()["type"] == "snapshot"
        with acme.scope():
            live.publish()
        reader.hear("snapshot")
        valkey.blocking().client_kill_filter(_type="pubsub")

        def is_heard() -> bool:
            with acme.scope():
                live.publish()
            try:
                return bool(json.loads(connection.recv(timeout=0.5))["type"] == "snapshot")
            except TimeoutError:
                return False

        wait_until(is_heard)


def test_a_stranger_and_a_page_of_another_site_are_turned_away(server: Server, houses: Houses) -> None:
    cookie = cookie_of(server, houses[0].user.username)
    assert closed_with(server, server.url, None) == 4401
    assert closed_with(server, server.url, "sessionid=abcdefghijklmnop") == 4401
    for origin in (
        None,
        "https://evil.example",
        houses[0].origin,
        server.url.replace("127.0.0.1", "localhost"),
    ):
        assert closed_with(server, origin, cookie) == 4403


def test_who_does_not_work_there_any_more_is_turned_away(server: Server, houses: Houses) -> None:
    from apps.tenants.models import Membership

    cookie = cookie_of(server, houses[0].user.username)
    with houses[0].scope():
        Membership.objects.all().delete()
    assert closed_with(server, server.url, cookie) == 4401
