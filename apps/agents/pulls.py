"""Models on their way to the operator's Ollama, as whoever fetches them (`manage.py pull_model`) last told.

Ollama itself lists a model once it is whole, and says nothing of those that somebody fetches by its own command."""

import time
from collections.abc import AsyncGenerator

import orjson

from apps.agents import connections
from apps.agents.providers.ollama import Ollama
from apps.tenants import cache, valkey

SECONDS = 60  # after which a fetch that nobody tells of any more has ended without a word
_OFTEN = 1.0  # seconds between two words of it


async def fetch(model: str) -> AsyncGenerator[str, None]:
    """How far it is, again and again until it is there; what was fetched before is not fetched twice. Raises ProviderError."""
    server, told_at = Ollama(connections.shared("ollama")), float("-inf")
    try:
        async for says in server.pull(model):
            if time.monotonic() - told_at >= _OFTEN:
                told_at = time.monotonic()
                _note(model, says)
            yield says
    finally:
        cache.forget(_name(model))


def of(model: str) -> str | None:
    """How far it is, where it is being fetched."""
    kept = cache.attempt(lambda: valkey.blocking().get(_name(model)))
    return str(orjson.loads(kept)) if kept else None


def _note(model: str, says: str) -> None:
    cache.attempt(lambda: valkey.blocking().set(_name(model), orjson.dumps(says), ex=SECONDS))


def _name(model: str) -> str:
    return cache.key(None, "pull", model if ":" in model else f"{model}:latest")
