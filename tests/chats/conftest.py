"""The rooms of chats: an agent whose every word is known, and a second process."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest

from apps.agents.models import Agent
from apps.chats.replies import Question
from apps.tenants.models import Tenant
from tests.chats.elsewhere import Elsewhere, elsewhere
from tests.world import House, found_house


@pytest.fixture
def other() -> Iterator[Elsewhere]:
    with elsewhere() as process:
        yield process


@pytest.fixture
def house(committed: None) -> Iterator[House]:
    """A committed house in whose scope the test runs; its agent's model is a script."""
    found = found_house("chatty", providers=["builtin", "scripted"])
    with found.scope():
        yield found


def script(house: House, model: str, **fields: Any) -> Agent:
    Tenant.objects.filter(id=house.tenant.id).update(providers=["builtin", "scripted"])
    house.agent.refresh_from_db()
    known = {"provider": "scripted", "model": model, "only_from_knowledge": False}
    house.agent.configure(known | fields)
    house.agent.save()
    return house.agent


async def until_said(question: Question, words: int) -> None:
    """Until its reply has said so many words."""
    said = ""
    async with asyncio.timeout(20), aclosing(question.answer()) as told:
        async for entry in told:
            said += entry.said
            if len(said.split()) >= words:
                return
