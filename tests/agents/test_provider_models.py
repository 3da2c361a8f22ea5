"""Which models a server has."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from apps.agents.providers import catalogue
from apps.agents.providers.base import (
    Connection,
    Provider,
    ProviderError,
)
from tests.agents.asking import PROMPT, failure
from tests.upstream import Asked, Script, Upstream
from tests.wires import WIRES, Wire


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
