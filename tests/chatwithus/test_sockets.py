"""Sockets that behave badly, on the shipped server's connection with a bare application behind it."""

import asyncio
import struct
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode

from consumers.eager import PUT
from tests.bare import HANDSHAKE, PATIENCE, frame, raw, serving, until
from tests.proxy import Proxy

MIB = 1024 * 1024


@dataclass
class Echo:
    """An application that gives back every message, and tells when a socket has gone and by which code."""

    gone: "asyncio.Queue[int]" = field(default_factory=asyncio.Queue)
    blocks: int = 0  # sent unasked, 16 KiB each

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for _ in range(self.blocks):
            await send({"type": "websocket.send", "text": "x" * 16384})
        while (event := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")})
        self.gone.put_nowait(event["code"])


async def close_code(reader: asyncio.StreamReader) -> int:
    """Of the close frame behind whatever comes before it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            first, length = await reader.readexactly(2)
            assert length < 126
            body = await reader.readexactly(length)
            if first & 0x0F == 8:
                return int(struct.unpack("!H", body[:2])[0])


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(Opcode.TEXT, b"\xff\xfe"), 1007),
        (frame(Opcode.TEXT, b"\xe2\x82", fin=False) + frame(Opcode.CONT, b"\xff"), 1007),
        (b"\x81\xff" + struct.pack("!Q", 1024 * MIB), 1009),  # declared, not sent
        (b"\x81\xff" + struct.pack("!Q", MIB), 1009),
        (frame(Opcode.TEXT, b"x" * 200_000, fin=False) + frame(Opcode.CONT, b"x" * 200_000), 1009),
        (frame(Opcode.TEXT, b"", fin=False) + frame(Opcode.CONT, b"", fin=False) * 100_000, 1009),
        (frame(Opcode.CONT, b"x"), 1002),
        (b"\x83\x80\0\0\0\0", 1002),  # a reserved opcode
        (b"\x81\x01x", 1002),  # not masked
    ],
    ids=["not UTF-8", "not UTF-8 in parts", "1 GiB", "1 MiB", "parts too big", "100,000 empty parts", "a part of nothing", "reserved", "bare"],
)  # fmt: skip
async def test_what_cannot_be_taken_closes_the_socket_with_the_code_for_it(
    sent: bytes, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Echo()) as running, raw(running.port) as (reader, writer):
        writer.write(sent)
        assert await close_code(reader) == code
    assert [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"] == []


async def test_a_flood_is_answered_whole_and_in_order() -> None:
    """Far more frames at once than are looked at in one go, among them pings."""
    said = [f"{number:05d}".encode() for number in range(20_000)]
    async with serving(Echo()) as running, raw(running.port) as (reader, writer):
        writer.write(b"".join(frame(Opcode.TEXT if one[-1] % 2 else Opcode.PING, one) for one in said))
        heard = list[bytes]()
        async with asyncio.timeout(PATIENCE):
            while len(heard) < len(said):
                heard.append(await reader.readexactly((await reader.readexactly(2))[1]))
    assert sorted(heard) == said
    assert [one for one in heard if one[-1] % 2] == [one for one in said if one[-1] % 2]


async def test_a_text_in_parts_is_one_message() -> None:
    text = "é€𝄞".encode()
    async with serving(Echo()) as running, raw(running.port) as (reader, writer):
        writer.write(frame(Opcode.TEXT, text[:1], fin=False) + frame(Opcode.PING, b"between"))
        writer.write(frame(Opcode.CONT, text[1:4], fin=False) + frame(Opcode.CONT, text[4:]))
        assert await reader.readexactly(2 + 7) == b"\x8a\x07between"
        assert await reader.readexactly(2 + len(text)) == bytes([0x81, len(text)]) + text


async def test_pongs_that_nobody_reads_make_the_server_read_no_more_pings() -> None:
    """Otherwise each ping of a client that never reads is a pong held in memory."""
    async with serving(Echo()) as running, raw(running.port) as (_, writer):
        pings = frame(Opcode.PING, b"x" * 125) * 500
        sent = 0
        while sent < 64 * MIB:
            writer.write(pings)
            sent += len(pings)
            try:
                async with asyncio.timeout(1.0):
                    await writer.drain()
            except TimeoutError:
                break
        assert sent < 32 * MIB, "it reads on"
        [connection] = running.server.server_state.connections
        assert connection.transport.get_write_buffer_size() < MIB


async def test_pings_are_answered_again_once_their_pongs_are_read() -> None:
    async with serving(Echo()) as running, raw(running.port) as (reader, writer):
        ping, count = frame(Opcode.PING, b"x" * 125), 200_000
        sending = asyncio.create_task(_write(writer, ping * 1000, count // 1000))
        async with asyncio.timeout(PATIENCE):
            for _ in range(count // 1000):
                await reader.readexactly(127 * 1000)
            await sending
            writer.write(frame(Opcode.TEXT, b"still there"))
            assert await reader.readexactly(13) == b"\x81\x0bstill there"


async def _write(writer: asyncio.StreamWriter, data: bytes, times: int) -> None:
    for _ in range(times):
        writer.write(data)
        await writer.drain()


async def test_a_half_open_connection_is_noticed_by_the_servers_own_pings() -> None:
    """A laptop that was closed: no more packets in either direction, and no end of the connection."""
    echo = Echo()
    async with (
        serving(echo, ws_ping_interval=0.1, ws_ping_timeout=0.2) as running,
        Proxy(running.port) as proxy,
        connect(f"ws://127.0.0.1:{proxy.port}/") as client,
    ):
        await client.send("hello")
        assert await client.recv() == "hello"
        proxy.blackhole()
        async with asyncio.timeout(PATIENCE):
            assert await echo.gone.get() == 1005
        client.transport.abort()


async def test_a_half_open_connection_with_more_to_send_than_fits_is_dropped_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatwithus.sockets.LINGER", 0.2)
    echo = Echo(blocks=10_000)
    async with serving(echo, ws_ping_interval=0.1, ws_ping_timeout=0.2) as running, raw(running.port):
        [connection] = running.server.server_state.connections
        await until(lambda: not running.server.server_state.connections)
        assert connection.transport.is_closing()


async def test_who_said_goodbye_without_reading_ours_does_not_hold_up_the_end() -> None:
    async with serving(Echo(blocks=10_000)) as running, raw(running.port) as (_, writer):
        writer.write(frame(Opcode.CLOSE, b"\x03\xe8"))
        await writer.drain()
        running.server.should_exit = True
        await until(lambda: not running.server.server_state.connections)


async def test_a_restart_says_so() -> None:
    async with serving(Echo()) as running, connect(running.url) as client:
        running.server.should_exit = True
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012


@dataclass
class Putter:
    """An application that puts texts as long as it can, and keeps by what."""

    texts: tuple[str, ...] = ()
    put: Any = None
    has_gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.put = scope["extensions"][PUT]
        await receive()
        assert not self.put("too early")
        await send({"type": "websocket.accept"})
        assert all(map(self.put, self.texts))
        while (await receive())["type"] == "websocket.receive":
            pass
        self.has_gone.set()


async def test_what_is_put_arrives_as_a_frame_of_its_own_however_long_it_is() -> None:
    texts = tuple("é" * (length // 2) + "x" * (length % 2) for length in (0, 1, 125, 126, 65_535, 65_536))
    async with serving(Putter(texts)) as running, connect(running.url) as client:
        assert [await client.recv() for _ in texts] == list(texts)


async def test_nothing_is_put_for_a_client_that_does_not_read() -> None:
    putter = Putter()
    async with serving(putter) as running, raw(running.port):
        await until(lambda: putter.put is not None)
        held = 0
        async with asyncio.timeout(PATIENCE):
            while held == 0 or putter.put("x" * 65_536):
                held += 65_536
                await asyncio.sleep(0)
        assert held < 16 * MIB


async def test_nothing_is_put_for_a_client_that_has_gone_and_nothing_raised() -> None:
    putter = Putter()
    async with serving(putter) as running:
        async with raw(running.port):
            await until(lambda: putter.put is not None and putter.put("x"))
        await until(lambda: not putter.put("x"))
        async with asyncio.timeout(PATIENCE):
            await putter.has_gone.wait()
        assert not putter.put("x")


async def answered(port: int, header: bytes) -> bytes:
    """The first line of the answer to a handshake with one more header."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HANDSHAKE + b"\r\n" + header + b"\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        line = await reader.readline()
    writer.transport.abort()
    return line


@dataclass
class Listening:
    """Keeps the headers of the sockets that were let in."""

    headers: list[list[tuple[bytes, bytes]]] = field(default_factory=list)
    clients: list[Any] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.headers.append(list(scope["headers"]))
        self.clients.append(scope["client"][0])
        await receive()
        await send({"type": "websocket.accept"})
        await receive()


@pytest.mark.parametrize("byte", [0x00, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x1F, 0x7F, 0x85])
async def test_no_byte_of_a_handshake_makes_a_header_of_its_own(byte: int) -> None:
    """Python's `splitlines` breaks lines at these; HTTP does not."""
    listening = Listening()
    async with serving(listening) as running:
        line = await answered(running.port, b"X-Given: a" + bytes([byte]) + b"Origin: https://evil.example")
    assert line.startswith((b"HTTP/1.1 101", b"HTTP/1.1 400"))
    assert [name for headers in listening.headers for name, _ in headers if name == b"origin"] == []


@pytest.mark.parametrize("name", ["X_Forwarded_For", "X-Forwarded_For", "x_forwarded-for"])
async def test_only_the_header_with_hyphens_names_the_client(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "127.0.0.1")
    listening = Listening()
    async with serving(listening) as running:
        await answered(running.port, f"{name}: 6.6.6.6".encode())
        await answered(running.port, b"X-Forwarded-For: 6.6.6.6")
    assert listening.clients == ["127.0.0.1", "6.6.6.6"]
