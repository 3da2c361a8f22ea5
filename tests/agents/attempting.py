"""Asking minds one after the other, as a reply does."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.agents.attempts import Attempts, Heard
from apps.agents.minds import Mind
from apps.agents.providers.base import Message, Piece, Prompt, ProviderError
from tests.upstream import Script, Upstream

PROMPT = Prompt("", 0.2, "", (), "q", (), "no", messages=(Message("user", "q"),))
TENANT, RIVAL = uuid4(), uuid4()
DOWN = Script(status=503)
PATIENCE = 20.0


def mind(upstream: Upstream, *, model: str = "m", tenant: UUID = TENANT, **known: Any) -> Mind:
    wire = upstream.wire
    return Mind(tenant, wire.provider, model, wire.connection(upstream.port, **known))


async def heard(*minds: Mind, said: list[Piece] | None = None) -> tuple[list[Piece], Attempts]:
    asking = Attempts(minds, PROMPT)
    said = [] if said is None else said
    await asking.tell(Heard(said.append), said.append)
    return said, asking


async def failed(*minds: Mind) -> tuple[list[Piece], ProviderError]:
    said: list[Piece] = []
    with pytest.raises(ProviderError) as raised:
        await heard(*minds, said=said)
    return said, raised.value
