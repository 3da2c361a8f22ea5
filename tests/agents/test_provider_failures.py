"""What goes wrong with a provider, and what it is called."""

import asyncio
import socket
import threading
from contextlib import ExitStack
from typing import Any

import pytest

from apps.agents.providers import catalogue
from apps.agents.providers.base import (
    Provider,
    Usage,
)
from apps.agents.servers import aws
from apps.agents.servers import wire as wires_out
from tests.agents.asking import failure, heard
from tests.upstream import Script, Upstream
from tests.wires import INPUT, OUTPUT, WIRES, Wire


@pytest.mark.parametrize(("status", "kind", "retryable"), [
    (400, "refused", False), (401, "refused", False), (403, "refused", False), (404, "refused", False), (429, "overloaded", True),
    (500, "unreachable", True), (503, "overloaded", True),
])  # fmt: skip
async def test_an_answer_that_is_an_error(
    upstream: Upstream, provider: Provider, status: int, kind: str, retryable: bool
) -> None:
    upstream.will(status=status, headers=(("Retry-After", "7"),))
    said, error = await failure(provider)
    assert (said, error.kind, error.retryable, error.retry_after) == ([], kind, retryable, 7.0)
    assert str(status) in str(error)
    upstream.script = Script()
    assert len(await heard(provider)) == 3


@pytest.mark.parametrize(
    "cut", [{"cut_after": 2}, {"error_after": 2}, {"pieces": ("a ", "b "), "ends": False}]
)
async def test_an_answer_that_breaks_off_keeps_what_was_said(
    upstream: Upstream, provider: Provider, cut: dict[str, Any]
) -> None:
    upstream.script = Script(**{"pieces": ("a ", "b ", "c "), **cut})
    said, error = await failure(provider)
    assert said == ["a ", "b "]
    assert (error.kind, error.retryable) == ("garbled", True)


async def test_nobody_at_home(wire: Wire, upstream: Upstream) -> None:
    upstream._server.close()
    await upstream._server.wait_closed()
    _, error = await failure(catalogue.load(wire.provider, wire.connection(upstream.port)))
    assert (error.kind, error.retryable) == ("unreachable", True)


async def test_a_network_that_swallows_everything(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody was asked anything, so nobody is to be paid."""
    for module in (wires_out, aws):
        monkeypatch.setattr(module, "CONNECT_SECONDS", 0.3)
    with socket.socket() as full, ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        provider = catalogue.load(wire.provider, wire.connection(full.getsockname()[1]))
        _, error = await asyncio.wait_for(failure(provider), 10)
    assert (error.kind, error.retryable) == ("unreachable", True)


@pytest.mark.parametrize("raw", [
    b"", b"\n", b"\xff\xfe\x00", b"null\n", b"[]\n", b"data: null\n\n", b"data: [1,2]\n\n", b'data: {"choices": 5}\n\n', b'{"message": null}\n',
    b'{"message":{"role":"assistant","content":[1]},"done":false}\n', b'data: {"choices":[{"delta":{"content":{"a":1}}}]}\n\n', b"{" * 5000, b"data: {" * 5000,
    b"\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2\x48\xeb\x00\x00\x00\x00", b"<html>Bad gateway</html>",
])  # fmt: skip
async def test_what_is_no_answer_at_all(upstream: Upstream, provider: Provider, raw: bytes) -> None:
    upstream.will(raw=raw)
    said, error = await failure(provider)
    assert (said, error.kind) == ([], "garbled")


@pytest.mark.parametrize("name", ["ollama", "openai"])
async def test_bytes_that_are_no_characters_cost_only_themselves(name: str) -> None:
    wire = WIRES[name]
    broken = wire.piece("one XX two").replace(b"XX", b"\xc3\x28")
    async with Upstream(wire, Script(raw=broken + wire.end())) as upstream:
        answer = await heard(catalogue.load(name, wire.connection(upstream.port)))
    assert answer == ["one \ufffd( two", Usage(INPUT, OUTPUT)]


@pytest.mark.parametrize("name", ["ollama", "openai"])
async def test_a_line_without_end_is_not_collected(name: str) -> None:
    wire = WIRES[name]
    async with Upstream(wire, Script(raw=b"data: " + b"x" * 3_000_000)) as upstream:
        said, error = await failure(catalogue.load(name, wire.connection(upstream.port)))
    assert (said, error.kind) == ([], "garbled")


@pytest.mark.parametrize("kind", ["throttlingException", "modelStreamErrorException", "internalServerException", "serviceUnavailableException",
                                  "validationException"])  # fmt: skip
async def test_exceptions_in_the_midst_of_bedrocks_stream(kind: str) -> None:
    from tests.wires import BEDROCK, exception

    kinds = {"throttlingException": "overloaded", "serviceUnavailableException": "overloaded", "validationException": "refused",
             "internalServerException": "unreachable"}  # fmt: skip
    async with Upstream(
        BEDROCK, Script(raw=BEDROCK.piece("so ") + exception(kind, "it went wrong"))
    ) as upstream:
        said, error = await failure(catalogue.load("bedrock", BEDROCK.connection(upstream.port)))
    assert said == ["so "]
    assert error.kind == kinds.get(kind, "garbled")
    assert "it went wrong" in str(error)


async def test_a_process_without_threads_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    wire = WIRES["bedrock"]
    async with Upstream(wire) as upstream:
        provider = catalogue.load("bedrock", wire.connection(upstream.port))
        with monkeypatch.context() as context:
            context.setattr(threading.Thread, "start", no_more)
            _, error = await failure(provider)
        assert (error.kind, error.retryable) == ("overloaded", True)
        assert len(await heard(provider)) == 3


async def test_a_role_that_nobody_gives_keys_for_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's service of roles takes the connection, and says nothing."""
    resolve, asked = socket.getaddrinfo, list[str]()

    def inside(host: Any, port: Any, *rest: Any, **known: Any) -> Any:
        asked.append(str(host))
        return resolve("127.0.0.1", server.sockets[0].getsockname()[1], *rest, **known)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(aws, "ROLE_SECONDS", 0.3)
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        monkeypatch.setattr(socket, "getaddrinfo", inside)
        role = "arn:aws:iam::123456789012:role/known"
        _, error = await asyncio.wait_for(
            failure(catalogue.load("bedrock", WIRES["bedrock"].connection(1, url="", role=role))), 10
        )
    assert error.kind == "timeout"
    assert set(asked) == {"sts.eu-central-1.amazonaws.com"}
