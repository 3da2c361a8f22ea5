"""What every provider keeps to. The real clients talk to a server that does as it is told (tests/upstream.py)."""

import asyncio
import hashlib
import hmac
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from apps.agents.providers import catalogue, openai
from apps.agents.providers.base import (
    Connection,
    Message,
    Piece,
    Prompt,
    Provider,
    ProviderError,
    Source,
    Usage,
)
from apps.agents.servers import aws
from apps.agents.servers import wire as wires_out
from tests.upstream import Asked, Script, Upstream
from tests.wires import INPUT, KEYS, OUTPUT, WIRES, Wire

TOLD = (
    Message("system", "Be brief."),
    Message("user", "Hello"),
    Message("assistant", "Hi."),
    Message("user", "What now?"),
)
PROMPT = Prompt("m", 0.2, "Be brief.", (), "What now?", (), "no", most_tokens=99, messages=TOLD)
SOURCE = Source(1, "Returns", "You have 30 days to return something.", 0.9)
PROMPT_SECONDS = 0.5  # within which a cancellation has to be upstream


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest) -> Wire:
    return WIRES[request.param]


@pytest.fixture
async def upstream(wire: Wire) -> AsyncIterator[Upstream]:
    async with Upstream(wire) as upstream:
        yield upstream


@pytest.fixture
def provider(wire: Wire, upstream: Upstream) -> Provider:
    return catalogue.load(wire.provider, wire.connection(upstream.port))


async def heard(provider: Provider, prompt: Prompt = PROMPT) -> list[Piece]:
    return [piece async for piece in provider.stream(prompt)]


async def failure(provider: Provider, prompt: Prompt = PROMPT) -> tuple[list[Piece], ProviderError]:
    """What was said, and how it ended."""
    said: list[Piece] = []
    with pytest.raises(ProviderError) as raised:
        async for piece in provider.stream(prompt):
            said.append(piece)  # noqa: PERF401 (what came before the failure counts)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None  # no log shows its cause
    return said, raised.value


def test_each_provider_has_its_wire_in_this_suite() -> None:
    assert set(catalogue.PROVIDERS) - {"scripted"} == {"builtin", *WIRES}


@pytest.mark.parametrize("name", ["builtin", *WIRES])
async def test_it_says_pieces_of_text_and_then_what_they_cost(name: str) -> None:
    wire = WIRES.get(name)
    async with Upstream(wire or WIRES["openai"]) as upstream:
        connection = wire.connection(upstream.port) if wire else Connection()
        asked = replace(PROMPT, question="How long do I have to return something?", sources=(SOURCE,))
        *pieces, usage = await heard(catalogue.load(name, connection), asked)
    assert all(isinstance(piece, str) and piece for piece in pieces)
    assert isinstance(usage, Usage)
    text = "".join(str(piece) for piece in pieces)
    assert text == ("Two words" if wire else "You have 30 days to return something. [1]")
    if wire:
        assert usage == Usage(INPUT, OUTPUT)


async def test_the_model_is_told_the_messages_and_the_parameters(
    wire: Wire, upstream: Upstream, provider: Provider
) -> None:
    await heard(provider, replace(PROMPT, top_p=0.5, stop=("END",)))
    [asked] = upstream.asked
    assert wire.text(asked.json) == "".join(one.text for one in TOLD)
    assert _parameters(asked) == (0.2, 99, 0.5, ["END"])
    await heard(provider)
    assert _parameters(upstream.asked[1]) == (0.2, 99, None, None)


@pytest.mark.parametrize(("url", "name"), [
    ("https://api.openai.com/v1", "max_completion_tokens"), ("https://eu.api.openai.com/v1", "max_completion_tokens"),
    ("https://shop.openai.azure.com/openai/v1", "max_completion_tokens"), ("https://openrouter.ai/api/v1", "max_tokens"),
    ("https://api.openai.com.example/v1", "max_tokens"), ("http://127.0.0.1:1234/v1", "max_tokens"),
])  # fmt: skip
def test_the_most_tokens_go_by_the_name_that_the_server_knows(url: str, name: str) -> None:
    assert openai.options(PROMPT, url) == {"temperature": 0.2, name: 99}


async def test_a_model_that_takes_no_temperature_is_told_none(upstream: Upstream, provider: Provider) -> None:
    await heard(provider, replace(PROMPT, temperature=None))
    assert "temperature" not in upstream.asked[0].body.decode()
    assert _parameters(upstream.asked[0]) == (None, 99, None, None)


async def test_ollama_makes_room_for_all_that_it_is_told_and_says() -> None:
    async with Upstream(WIRES["ollama"]) as upstream:
        provider = catalogue.load("ollama", WIRES["ollama"].connection(upstream.port))
        await heard(provider, replace(PROMPT, context_tokens=12_000))
    assert upstream.asked[0].json["options"]["num_ctx"] == 12_000 + 99


def _parameters(asked: Asked) -> tuple[Any, Any, Any, Any]:
    body = asked.json
    at = body.get("options") or body.get("inferenceConfig") or body
    most = at.get("num_predict") or at.get("maxTokens") or at.get("max_tokens")
    return (
        at.get("temperature"),
        most,
        at.get("top_p") or at.get("topP"),
        at.get("stop") or at.get("stopSequences"),
    )


async def test_characters_of_every_length_arrive_whole(upstream: Upstream, provider: Provider) -> None:
    pieces = ("é", "日本", "👩‍👩‍👧 ", "\n\n", "𝄞", '"\\', "\u2028\x85", "نص")
    upstream.will(pieces=pieces)
    assert tuple((await heard(provider))[:-1]) == pieces


async def test_answers_one_after_the_other_share_a_connection(upstream: Upstream, provider: Provider) -> None:
    for _ in range(3):
        await heard(provider)
    assert len(upstream.connections) == 1


async def test_many_answers_at_once_do_not_mix(upstream: Upstream, provider: Provider) -> None:
    upstream.will(echoes=True, first=1.0)
    prompts = [replace(PROMPT, messages=(Message("user", f"number {n}"),)) for n in range(20)]
    answers = await asyncio.gather(*(heard(provider, one) for one in prompts))
    assert [answer[0] for answer in answers] == [f"number {n}" for n in range(20)]
    assert upstream.most_running == 20


# Cancellation is what the server sees of it.


@pytest.mark.timely
@pytest.mark.parametrize("script", [Script(before=60), Script(first=60), Script(stall_after=1), Script(pieces=("w ",) * 10_000, between=0.01)],
                         ids=["before the headers", "before the first word", "after a word", "in full flow"])  # fmt: skip
async def test_cancelling_closes_the_connection_upstream(
    upstream: Upstream, provider: Provider, script: Script
) -> None:
    upstream.script = script
    waiting = asyncio.create_task(heard(provider))
    asked = await upstream.arrival()
    await asyncio.sleep(0.05)
    began = time.monotonic()
    waiting.cancel()
    await asyncio.wait_for(asked.gone.wait(), PROMPT_SECONDS)
    assert time.monotonic() - began < PROMPT_SECONDS
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.to_thread(_join_bedrocks)
    assert not _bedrocks()


@pytest.mark.timely
async def test_leaving_an_answer_in_its_midst_closes_the_connection_upstream(
    upstream: Upstream, provider: Provider
) -> None:
    upstream.will(pieces=("w ",) * 10_000, between=0.01)
    stream = provider.stream(PROMPT)
    assert await anext(stream) == "w "
    await stream.aclose()
    await asyncio.wait_for((await upstream.arrival()).gone.wait(), PROMPT_SECONDS)


async def test_ending_one_answer_leaves_the_others_alone(upstream: Upstream, provider: Provider) -> None:
    """Connections are reused, so what ends one must know whose it is by now."""
    upstream.will(pieces=("w ",) * 20, between=0.005)

    async def left_early() -> None:
        stream = provider.stream(PROMPT)
        await anext(stream)
        await stream.aclose()

    answers: list[Any] = await asyncio.gather(
        *(one for _ in range(15) for one in (left_early(), heard(provider)))
    )
    whole = [answer for answer in answers if answer is not None]
    assert all(len(answer) == 21 for answer in whole)
    assert len(whole) == 15


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


def _bedrocks() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "bedrock"]


def _join_bedrocks() -> None:
    for one in _bedrocks():
        one.join(2)


# What goes wrong, and what it is called.


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


# What it says that it took.


@pytest.mark.parametrize(("into", "out"), [
    (-1, 7), (11, -7), (2**31, 7), (11, 10**30), ("many", 7), (11, None), (11.5, 7), ([11], 7), ({"a": 1}, {}), (0, 0), ("", ""),
])  # fmt: skip
async def test_numbers_that_cannot_be_are_nobodys_and_cost_no_answer(wire: Wire, into: Any, out: Any) -> None:
    """Budgets are settled by what is believed; whoever says nothing that can be is estimated."""
    script = Script(raw=wire.piece("Two ") + wire.piece("words") + wire.end(into, out))
    async with Upstream(wire, script) as upstream:
        said = await heard(catalogue.load(wire.provider, wire.connection(upstream.port)))
    assert said == ["Two ", "words"]


async def test_the_largest_number_that_can_be_is_believed(wire: Wire) -> None:
    script = Script(raw=wire.piece("Two ") + wire.end(2**31 - 1, 0))
    async with Upstream(wire, script) as upstream:
        said = await heard(catalogue.load(wire.provider, wire.connection(upstream.port)))
    assert said == ["Two ", Usage(2**31 - 1, 0)]


# Secrets.


@pytest.mark.parametrize(
    "script", [Script(status=401, echoes=True), Script(status=500, echoes=True), Script(error_after=1)]
)
async def test_nothing_of_a_secret_is_in_an_error_or_a_log(
    wire: Wire, upstream: Upstream, provider: Provider, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.script = script
    upstream.will(refusal=f"you sent {wire.secret[3:]} and {wire.secret[:-3]}")
    _, error = await failure(provider)
    told = f"{error}{error!r}{caplog.text}"
    assert not [at for at in range(len(wire.secret) - 6) if wire.secret[at : at + 7] in told]


@pytest.mark.parametrize("script", [Script(status=401), Script(status=404), Script(status=500), Script(error_after=1), Script(cut_after=0),
                                    Script(raw=b"?"), None])  # fmt: skip
async def test_of_the_operators_server_staff_are_told_no_more_than_its_provider(
    wire: Wire, upstream: Upstream, script: Script | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Its address, and what it says, which may name what stands behind it, are for the operator's log."""
    shared = wire.connection(upstream.port, is_shared=True)
    provider = catalogue.load(wire.provider, shared)
    if script is None:
        upstream._server.close()
        await upstream._server.wait_closed()
    else:
        upstream.script = replace(script, refusal="arn:aws:iam::123456789012:role/inside at db.internal")
    for _, error in (await failure(provider), await _unlisted(provider)):
        assert str(error).startswith(f"The operator's {wire.provider} "), error
        told = f"{error} {provider.missing('absent', ['m'])}"
        for inside in ("127.0.0.1", str(upstream.port), "123456789012", "internal", "eu-central-1"):
            assert inside not in told, error
    assert "127.0.0.1" in caplog.text


async def _unlisted(provider: Provider) -> tuple[list[Piece], ProviderError]:
    with pytest.raises(ProviderError) as raised:
        await provider.models()
    return [], raised.value


def test_a_connection_is_printed_without_its_secrets(wire: Wire) -> None:
    assert wire.secret not in f"{wire.connection(1)}{wire.connection(1)!r}"


async def test_keys_of_the_process_go_to_nobody_elses_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients look for some of their own accord."""
    for name in ("OPENAI_API_KEY", "OLLAMA_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.setenv(name, "operators-own-canary")
    for name, wire in WIRES.items():
        async with Upstream(wire) as upstream:
            bare: dict[str, Any] = {} if name == "bedrock" else {"secrets": ()}
            await heard(catalogue.load(name, wire.connection(upstream.port, **bare)))
            assert "canary" not in str(upstream.asked[0].headers).replace(KEYS[0][1], "").lower()


async def test_bedrock_without_a_key_of_the_tenants_does_not_take_the_machines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOPERATOR")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "operators-own-canary")
    wire = WIRES["bedrock"]
    async with Upstream(wire) as upstream:
        _, error = await failure(catalogue.load("bedrock", wire.connection(upstream.port, secrets=())))
        assert (error.kind, upstream.asked) == ("refused", [])
        shared = wire.connection(upstream.port, secrets=(), is_shared=True)
        await heard(catalogue.load("bedrock", shared))
        assert "AKIAOPERATOR" in upstream.asked[0].headers["authorization"]


async def test_bedrocks_requests_are_signed(upstream: Upstream) -> None:
    """Reckoned again by hand (AWS Signature Version 4)."""
    wire = WIRES["bedrock"]
    async with Upstream(wire) as server:
        model = "eu.anthropic.claude-3-5-haiku-20241022-v1:0"
        await heard(catalogue.load("bedrock", wire.connection(server.port)), replace(PROMPT, model=model))
        [asked] = server.asked
    said = asked.headers["authorization"]
    assert said.endswith(_signature(asked)), said
    assert quote(model, safe="") in asked.path


def _signature(asked: Asked) -> str:
    scope, signed = asked.headers["authorization"].split("Credential=")[1].split(", SignedHeaders=")
    names = signed.split(",")[0].split(";")
    canonical = "\n".join([
        asked.method, quote(asked.path, safe="/~"), "", *(f"{name}:{asked.headers[name]}" for name in names), "", ";".join(names),
        hashlib.sha256(asked.body).hexdigest(),
    ])  # fmt: skip
    _, day, region, service, last = scope.split("/")
    key = f"AWS4{dict(KEYS)['secret_access_key']}".encode()
    for part in (day, region, service, last):
        key = hmac.digest(key, part.encode(), "sha256")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(
        ["AWS4-HMAC-SHA256", asked.headers["x-amz-date"], f"{day}/{region}/{service}/{last}", digest]
    )
    return hmac.digest(key, text.encode(), "sha256").hex()


# Where it may go.


@pytest.mark.parametrize("name", ["ollama", "openai"])
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0"]
)
async def test_a_server_in_the_private_network_is_not_called(name: str, host: str) -> None:
    wire = WIRES[name]
    async with Upstream(wire) as upstream:
        url = wire.connection(upstream.port).url.replace("127.0.0.1", host)
        _, error = await failure(catalogue.load(name, Connection(url=url)))
        assert (error.kind, error.retryable) == ("unreachable", False)
        assert not upstream.asked
        assert not upstream.connections


@pytest.mark.parametrize("name", ["ollama", "openai"])
async def test_redirects_are_not_followed(name: str) -> None:
    wire = WIRES[name]
    async with Upstream(wire) as inside, Upstream(wire) as outside:
        outside.will(status=307, headers=(("Location", f"http://127.0.0.1:{inside.port}/"),))
        _, error = await failure(catalogue.load(name, wire.connection(outside.port)))
        assert error.kind == "refused"
        assert not inside.asked


async def test_what_was_judged_is_what_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that stands for another address a moment later (DNS rebinding) is asked for once."""
    import httpx

    from apps.agents.servers import wire

    asked: list[str] = []

    async def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", (["93.184.216.34", "127.0.0.1"][len(asked) > 1], port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    request = httpx.Request("GET", "https://models.example/v1/x")
    await wire.Transport(Connection(url="https://models.example/v1"))._pin(request)
    assert (request.url.host, request.extensions["sni_hostname"], request.headers["host"]) == (
        "93.184.216.34",
        "models.example",
        "models.example",
    )
    assert asked == ["models.example"]


async def test_staff_see_which_models_a_server_has() -> None:
    bodies = {
        "ollama": b'{"models":[{"model":"llama3.2:latest","size":2019393189}]}',
        "openai": b'{"object":"list","data":[{"id":"llama3.2:latest","object":"model","created":1,"owned_by":"us"}]}',
    }
    for name, body in bodies.items():
        wire = WIRES[name]
        async with Upstream(wire, Script(raw=body)) as upstream:
            provider: Any = catalogue.load(name, wire.connection(upstream.port))
            assert list(await provider.models()) == ["llama3.2:latest"]
            upstream.will(raw=b"<html>")
            with pytest.raises(ProviderError):
                await provider.models()


class Older(Upstream):
    """An Ollama that does not say what it has in memory."""

    async def _say(self, script: Script, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        unknown = Script(status=404) if asked.path == "/api/ps" else script
        return await super()._say(unknown, asked, writer)


async def test_what_is_in_memory_is_only_told_where_it_is_known() -> None:
    body = b'{"models":[{"model":"llama3.2:latest","size":2019393189}]}'
    for kind, says in ((Upstream, "2.0 GB, in memory"), (Older, "2.0 GB")):
        async with kind(WIRES["ollama"], Script(raw=body)) as upstream:
            provider = catalogue.load("ollama", WIRES["ollama"].connection(upstream.port))
            assert await provider.models() == {"llama3.2:latest": says}


LISTS = {
    "ollama": b'{"models":[{"model":"m","size":1}]}',
    "openai": b'{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"us"}]}',
    "bedrock": b'{"modelSummaries":[{"modelArn":"arn:m","modelId":"m","providerName":"Us"}],"inferenceProfileSummaries":[]}',
}


@pytest.mark.parametrize("name", ["builtin", *WIRES])
async def test_it_says_which_models_it_has_and_which_it_lacks(name: str) -> None:
    async with Upstream(WIRES.get(name, WIRES["openai"]), Script(raw=LISTS.get(name, b""))) as upstream:
        wire = WIRES.get(name)
        provider = catalogue.load(name, wire.connection(upstream.port) if wire else Connection())
        models = await provider.models()
    assert list(models) == ["m" if wire else ""]
    assert provider.missing("m", models) is None
    assert wire is None or "n o" in str(provider.missing("n o", models))


async def test_what_lists_nothing_readable_is_a_failure(
    wire: Wire, upstream: Upstream, provider: Provider
) -> None:
    for script in (Script(status=403), Script(raw=b"<html>"), Script(cut_after=0)):
        upstream.script = script
        with pytest.raises(ProviderError):
            await provider.models()


async def test_a_model_that_is_missing_comes_with_the_command_that_fetches_it() -> None:
    wire = WIRES["ollama"]
    async with Upstream(wire, Script(status=404, refusal="model 'x; y' not found")) as upstream:
        provider = catalogue.load("ollama", wire.connection(upstream.port))
        _, error = await failure(provider, replace(PROMPT, model="x; y"))
        shared = catalogue.load("ollama", wire.connection(upstream.port, is_shared=True))
        _, of_operator = await failure(shared, replace(PROMPT, model="x; y"))
    assert str(error).endswith("On that machine run: ollama pull 'x; y'")
    assert (
        str(of_operator) == "The operator's ollama has no model x; y. Its operator runs: ollama pull 'x; y'"
    )
    assert error.kind == of_operator.kind == "refused"
