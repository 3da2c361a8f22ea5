"""Fixtures of tests that read websites in."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.agents.embedders import catalogue
from tests.knowledge.website import Website, running
from tests.world import House


@pytest.fixture
def site(settings: Any) -> Iterator[Website]:
    with running() as found:
        settings.EGRESS_ALLOW = [found.host]
        settings.LIMITS = {**settings.LIMITS, "crawl-host": (1000, 1)}
        yield found


@pytest.fixture
def inside(acme: House) -> Iterator[House]:
    with acme.scope():
        yield acme


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was handed to the embedder, which embeds it all the same."""
    found: list[str] = []
    embedder = catalogue.load("minilm")
    embed = embedder.embed

    def embed_and_tell(given: list[str]) -> list[list[float]]:
        found.extend(given)
        return embed(given)

    monkeypatch.setattr(embedder, "embed", embed_and_tell)
    return found
