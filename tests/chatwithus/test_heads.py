"""Requests that never get to their point, on the shipped server with a bare application behind it."""

import asyncio
from typing import Any

import pytest

from chatwithus import heads
from tests.bare import PATIENCE, serving

BEGIN = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"Hi"})


async def told(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await reader.read()


@pytest.mark.parametrize("sent", [
    BEGIN + b"X: y\r\n" * 200_000, BEGIN + b"X: " + b"y" * 1_000_000, b"GET /" + b"y" * 1_000_000, BEGIN + b"x" * 1_000_000,
], ids=["many headers", "a long one", "a long address", "a long name"])  # fmt: skip
async def test_headers_without_end_are_ended(sent: bytes) -> None:
    async with serving(hello) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(sent)
        try:
            answer = await told(reader)
        except ConnectionResetError:  # it closed while we were sending still
            answer = b""
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
        writer.transport.abort()
        assert not running.server.server_state.connections


@pytest.mark.parametrize("sent", [b"", BEGIN, b"GET"])
async def test_who_takes_for_ever_is_not_waited_for(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "SECONDS", 0.2)
    async with serving(hello) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(sent)
        assert (await told(reader)).startswith(b"HTTP/1.1 408")
        writer.close()


async def test_a_later_request_is_waited_for_as_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(hello) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        for _ in range(3):
            writer.write(BEGIN + b"\r\n")
            async with asyncio.timeout(PATIENCE):
                assert (await reader.readuntil(b"Hi")).startswith(b"HTTP/1.1 200")
        monkeypatch.setattr(heads, "SECONDS", 0.2)
        writer.write(BEGIN)
        assert (await told(reader)).startswith(b"HTTP/1.1 408")
        writer.close()


async def test_an_answer_takes_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "SECONDS", 0.1)

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.5)  # longer than headers may take
        await hello(scope, receive, send)

    async with serving(slow) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(BEGIN + b"\r\n")
        async with asyncio.timeout(PATIENCE):
            assert (await reader.readuntil(b"Hi")).startswith(b"HTTP/1.1 200")
        writer.close()
