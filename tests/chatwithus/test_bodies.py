"""What a request may weigh, whatever it says of itself."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatwithus.embedded import Services
from tests.server import Server, serving, uvicorn

MEBIBYTE = 2**20
PATIENCE = 20


@pytest.fixture(scope="module")
def small(services: Services) -> Iterator[Server]:
    with serving(services, uvicorn, MAX_UPLOAD_BYTES=str(MEBIBYTE)) as server:
        yield server


def begun(server: Server, path: str, *headers: str) -> socket.socket:
    host = server.url.removeprefix("http://")
    name, port = host.split(":")
    line = socket.create_connection((name, int(port)), timeout=PATIENCE)
    head = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/octet-stream",
        *headers,
        "",
        "",
    ]
    line.sendall("\r\n".join(head).encode())
    return line


def poured(line: socket.socket, most: int) -> int:
    """Send chunks until nobody takes them any more; how many bytes were taken."""
    chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    sent = 0
    try:
        while sent < most:
            line.sendall(chunk)
            sent += 65536
    except OSError:
        pass
    return sent


def answer(line: socket.socket) -> bytes:
    try:
        return line.recv(65536)
    except ConnectionResetError:
        return b""


def memory(server: Server) -> int:
    """Bytes that its web process has in memory."""
    return 4096 * int(Path(f"/proc/{server.web.pid}/statm").read_text().split()[1])


def is_alive(server: Server) -> bool:
    with server.rest() as client:
        return client.get("/livez").status_code == 200


def test_a_body_without_end_is_cut_off_and_costs_no_memory(small: Server) -> None:
    before = memory(small)
    with begun(small, "/api/v1/knowledge", "Transfer-Encoding: chunked") as line:
        assert poured(line, 400 * MEBIBYTE) < 40 * MEBIBYTE
    assert memory(small) - before < 20 * MEBIBYTE
    assert is_alive(small)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/api/v1/knowledge", b'"instance": "/api/v1/knowledge"'),
        ("/api/v1/openai/chat/completions", b'{"error": {"message"'),
        ("/console/knowledge/", b"Go back and choose"),
    ],
)
def test_a_length_beyond_the_limit_is_refused_before_anything_is_read(
    small: Server, path: str, told: bytes
) -> None:
    with begun(small, path, f"Content-Length: {5 * 2**30}") as line:
        said = b""
        while more := answer(line):
            said += more
    assert said.startswith(b"HTTP/1.1 413 ")
    assert told in said
    assert (b"application/problem+json" in said) == (path == "/api/v1/knowledge")
    assert b"At most 2 MiB are read." in said


def test_a_body_longer_than_it_says_is_no_part_of_the_request(small: Server) -> None:
    with begun(small, "/api/v1/knowledge", "Content-Length: 10") as line:
        poured(line, 8 * MEBIBYTE)
        assert not answer(line).startswith(b"HTTP/1.1 2")
    assert is_alive(small)
