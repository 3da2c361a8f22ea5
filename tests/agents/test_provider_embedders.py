"""Embedders that ask a server: the real clients talk to one that does as it is told."""

import asyncio
import json
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.conf import LazySettings

from apps.agents import embedding
from apps.agents.embedders import catalogue, remote
from apps.agents.embedders.base import Embedder
from apps.agents.providers.base import ProviderError
from tests.upstream import Asked, Script, Upstream
from tests.wires import WIRES

KINDS = ["ollama", "openai", "bedrock"]
Answer = Callable[[list[list[float]]], dict[str, Any]]
ANSWERS: dict[str, Answer] = {
    "ollama": lambda vectors: {"model": "m", "embeddings": vectors},
    "openai": lambda vectors: {
        "object": "list", "model": "m", "data": [{"object": "embedding", "index": n, "embedding": one} for n, one in reversed(list(enumerate(vectors)))],
    },
    "bedrock": lambda vectors: {"embedding": vectors[0], "inputTextTokenCount": 1},
}  # fmt: skip


def texts_of(asked: Asked) -> list[str]:
    body = asked.json
    found = body.get("input", body.get("inputText"))
    return [found] if isinstance(found, str) else list(found)


class Embedding(Upstream):
    """A server whose vectors tell the length of their texts."""

    width = 3

    async def __aenter__(self) -> "Embedding":
        await super().__aenter__()
        return self

    async def _say(self, script: Script, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        vectors = [self.vector(text) for text in texts_of(asked)]
        raw = script.raw or json.dumps(ANSWERS[self.wire.provider](vectors)).encode()
        return await super()._say(replace(script, raw=raw) if script.status == 200 else script, asked, writer)

    def vector(self, text: str) -> list[float]:
        return [float(len(text)), 1.0, *[0.0] * (self.width - 2)]

    @property
    def embedder(self) -> Embedder:
        return catalogue.load(f"{self.wire.provider}:m", self.wire.connection(self.port))


@pytest.mark.parametrize("kind", KINDS)
async def test_vectors_are_of_unit_length_and_in_the_order_of_the_texts(kind: str) -> None:
    texts = ["x" * n for n in range(1, 131)]
    async with Embedding(WIRES[kind]) as server:
        vectors = await asyncio.to_thread(server.embedder.embed, texts)
        assert await asyncio.to_thread(lambda: server.embedder.dimension) == 3
    assert [round(vector[0] / vector[1]) for vector in vectors] == list(range(1, 131))
    assert all(math.isclose(sum(n * n for n in vector), 1.0, rel_tol=1e-6) for vector in vectors)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_model_that_changes_its_dimension_makes_no_vector(kind: str) -> None:
    async with Embedding(WIRES[kind]) as server:
        await asyncio.to_thread(server.embedder.embed, ["a"])
        server.width = 4
        with pytest.raises(ProviderError, match="other dimensions than 3"):
            await asyncio.to_thread(server.embedder.embed, ["a", "b"])


@pytest.mark.parametrize("kind", KINDS)
async def test_fewer_dimensions_are_asked_for_by_name(kind: str) -> None:
    async with Embedding(WIRES[kind]) as server:
        shortened = catalogue.load(f"{kind}:m@256", server.wire.connection(server.port))
        await asyncio.to_thread(shortened.embed, ["a"])
        await asyncio.to_thread(server.embedder.embed, ["a"])
    assert (shortened.model, server.embedder.model) == (f"{kind}:m@256", f"{kind}:m")
    assert {asked.json.get("dimensions") for asked in server.asked} == {256, None}
    assert all("256" not in asked.path + str(asked.json.get("model")) for asked in server.asked)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_that_never_answers_is_given_up(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "SECONDS", 0.3)
    async with Embedding(WIRES[kind], Script(before=60)) as server:
        began = time.monotonic()
        with pytest.raises(ProviderError) as raised:
            await asyncio.to_thread(server.embedder.embed, ["a"])
    assert (raised.value.kind, time.monotonic() - began < 10) == ("timeout", True)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_question_waits_for_less_long_than_what_is_read_in(kind: str) -> None:
    async with Embedding(WIRES[kind], Script(before=0.6)) as server:
        hasty = catalogue.load(f"{kind}:m", server.wire.connection(server.port), 0.3)
        with pytest.raises(ProviderError) as raised:
            await asyncio.to_thread(hasty.embed, ["a"])
        assert raised.value.kind == "timeout"
        assert len(await asyncio.to_thread(server.embedder.embed, ["a"])) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raw", [b"{}", b"<html>", b'{"embeddings":[],"data":[],"embedding":[]}', b'{"embeddings":[[0,0]],"embedding":[0,0],"data":[{"index":0,"embedding":[0,0]}]}',
                                 b'{"embeddings":[[1e999,0]],"embedding":[1e999,0],"data":[{"index":0,"embedding":[1e999,0]}]}', b'{"embeddings":[["x"]],"embedding":["x"],"data":[{"index":0,"embedding":["x"]}]}'])  # fmt: skip
async def test_what_is_no_vector_is_refused(kind: str, raw: bytes) -> None:
    async with Embedding(WIRES[kind], Script(raw=raw)) as server:
        with pytest.raises(ProviderError) as raised:
            await asyncio.to_thread(server.embedder.embed, ["a"])
    assert raised.value.kind == "garbled"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_model_that_is_missing_is_named(kind: str) -> None:
    async with Embedding(WIRES[kind], Script(status=404, refusal="model 'm' not found")) as server:
        with pytest.raises(ProviderError, match="model 'm' not found") as raised:
            await asyncio.to_thread(server.embedder.embed, ["a"])
    assert (raised.value.kind, raised.value.retryable) == ("refused", False)


@pytest.mark.parametrize("name", ["oracle", "minilm:x", "ollama", "openai:", ":m"])
def test_names_that_lead_nowhere(name: str) -> None:
    with pytest.raises(catalogue.UnknownEmbedder):
        catalogue.load(name)


async def test_the_operators_server_is_asked(settings: LazySettings) -> None:
    async with Embedding(WIRES["openai"]) as server:
        settings.OPENAI_URL, settings.OPENAI_API_KEY = f"http://127.0.0.1:{server.port}/v1", "operators-key"
        embedder = embedding.of("openai:m")
        assert (embedder.model, embedder) == ("openai:m", embedding.of("openai:m"))
        await asyncio.to_thread(embedder.embed, ["a"])
        assert server.asked[0].headers["authorization"] == "Bearer operators-key"
    settings.OPENAI_URL = settings.OPENAI_API_KEY = ""
    with pytest.raises(ProviderError, match="Nothing is kept"):
        embedding.of("openai:m")
    assert embedding.of("minilm").dimension == 384
