"""Keys and addresses stay with whom they belong to."""

import hashlib
import hmac
import logging
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from apps.agents.providers import catalogue
from apps.agents.providers.base import (
    Piece,
    Provider,
    ProviderError,
)
from tests.agents.asking import PROMPT, failure, heard
from tests.upstream import Asked, Script, Upstream
from tests.wires import KEYS, WIRES, Wire


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
