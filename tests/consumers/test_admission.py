"""The handshake: exact origins at both doors, and no bytes in a header that mean something to one reader and not to another."""

import socket
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.bare import UPGRADE
from tests.server import PATIENCE, Server
from tests.staff import cookie_of
from tests.world import House

Houses = tuple[House, House]
WRONG_ORIGIN = (4403).to_bytes(2, "big")
FORMS = (
    "null", "", "*", "{scheme}://{host}.", "{scheme}://{host}/", "{scheme}://{host}/x", "{scheme}://{host}.evil.example", "{scheme}://evil{host}",
    "{scheme}://evil.example/{host}", "{scheme}://{host}@evil.example", "{scheme}://evil.example#{host}", "{scheme}://{host}:1", "ftp://{host}",
    "file://{host}", "//{host}", "{host}", "{scheme}://", "{scheme}:{host}", "{scheme}:///{host}", " {scheme}://{host}x", "{scheme}://{host},{scheme}://{host}",
    "{scheme}://{host} {scheme}://{host}", "{scheme}://%00{host}", "{scheme}://{host}\\@evil.example", "x{scheme}://{host}",
)  # fmt: skip


def others(origin: str) -> list[str]:
    """What is nearly this origin."""
    scheme, _, host = origin.partition("://")
    turned = {"http": "https", "https": "http"}[scheme]
    formed = [form.format(scheme=scheme, host=host) for form in FORMS]
    return [
        *formed,
        f"{turned}://{host}",
        origin.upper(),
        f"{scheme.upper()}://{host}",
        f"{scheme}://{host.upper()}",
    ]


def close_code(server: Server, path: str, **headers: Any) -> int:
    with server.socket(path, origin=None, additional_headers=headers) as connection:
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=PATIENCE)
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code


def test_no_other_origin_opens_a_visitors_socket(production: Server, houses: Houses) -> None:
    acme, globex = houses
    for origin in {*others(acme.origin), globex.origin} - {acme.origin}:
        if origin.isprintable():
            assert close_code(production, f"/ws/chat/{acme.agent.id}", Origin=origin) == 4403, origin


@pytest.mark.parametrize("path", ["/ws/inbox", "/ws/dashboard"])
def test_no_other_origin_opens_a_socket_of_staff(production: Server, houses: Houses, path: str) -> None:
    """Cross-site WebSocket hijacking: the cookie is the right one."""
    acme, _ = houses
    cookie = cookie_of(production, acme.user.username)
    for origin in {*others(production.url), acme.origin, None} - {production.url}:
        headers = {"Origin": origin} if origin is not None else {}
        assert close_code(production, path, Cookie=cookie, **headers) == 4403, origin


def handshake(server: Server, path: str, *lines: bytes) -> bytes:
    """All that the server answers to these headers, until it closes."""
    said = b"\r\n".join([b"GET " + path.encode() + UPGRADE, *lines, b"", b""])
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(said)
        answer = b""
        while (
            not answer.startswith(b"HTTP/1.1 400")
            and WRONG_ORIGIN not in answer
            and (more := connection.recv(4096))
        ):
            answer += more
        return answer


@pytest.mark.parametrize(
    "byte", [b"\x00", b"\x01", b"\x0b", b"\x0c", b"\x1c", b"\x1d", b"\x1e", b"\x1f", b"\x7f", b"\x85"]
)
def test_a_handshake_with_such_a_byte_is_refused(production: Server, houses: Houses, byte: bytes) -> None:
    acme, _ = houses
    path, origin = f"/ws/chat/{acme.agent.id}", acme.origin.encode()
    for lines in (
        (b"Origin: " + origin + byte,),
        (b"Origin: " + byte + origin,),
        (b"Origin: " + origin, b"X-Note: a" + byte + b"X-Forwarded-For: 10.0.0.1"),
        (b"Origin: " + origin, b"Cookie: sessionid=a" + byte + b"b"),
        (b"Origin: " + origin, b"X" + byte + b"Y: a"),
    ):
        assert handshake(production, path, *lines).startswith(b"HTTP/1.1 400"), lines


def test_two_origins_are_none(production: Server, houses: Houses) -> None:
    acme, _ = houses
    origin = b"Origin: " + acme.origin.encode()
    for lines in (
        (origin, origin),
        (origin, b"Origin: https://evil.example"),
        (b"Origin: https://evil.example", origin),
    ):
        answer = handshake(production, f"/ws/chat/{acme.agent.id}", *lines)
        assert answer.startswith(b"HTTP/1.1 400") or WRONG_ORIGIN in answer, answer


def test_a_header_with_an_underscore_is_no_header_with_a_hyphen(production: Server, houses: Houses) -> None:
    """WSGI could not tell them apart; proxies that drop the one let the other through."""
    acme, _ = houses
    key = acme.headers["Authorization"]
    with production.rest() as client:
        for name in ("AUTHORIZATION_", "HTTP_AUTHORIZATION", "Http-Authorization", "X_AUTHORIZATION"):
            assert client.get("/api/v1/openai/models", headers={name: key}).status_code == 401
        told = client.get(
            "/api/v1/openai/models",
            headers={"X_Forwarded_Host": "evil.example", "X-Forwarded-Host": "evil.example"},
        )
        assert b"evil.example" not in told.content
