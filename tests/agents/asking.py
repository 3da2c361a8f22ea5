"""Asking a provider once, by its real client."""

import pytest

from apps.agents.providers.base import (
    Message,
    Piece,
    Prompt,
    Provider,
    ProviderError,
    Source,
)

TOLD = (
    Message("system", "Be brief."),
    Message("user", "Hello"),
    Message("assistant", "Hi."),
    Message("user", "What now?"),
)
PROMPT = Prompt("m", 0.2, "Be brief.", (), "What now?", (), "no", most_tokens=99, messages=TOLD)
SOURCE = Source(1, "Returns", "You have 30 days to return something.", 0.9)


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
