"""Preflights: whatever comes, the database is asked one thing at a time."""

import asyncio
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from apps.api import preflights
from apps.api.preflights import Origins
from apps.tenants.models import Tenant
from tests.world import House

Houses = tuple[House, House]


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each statement that is asked."""
    counted: list[int] = []
    read = preflights._origins

    def counting() -> frozenset[str]:
        counted.append(1)
        return read()

    monkeypatch.setattr(preflights, "_origins", counting)
    return counted


def test_a_flood_costs_the_database_two_statements(houses: Houses, readings: list[int]) -> None:
    acme, _ = houses

    async def flood() -> list[bool]:
        origins = Origins()
        asked = [acme.origin, *(f"https://evil-{number}.example" for number in range(500))]
        return await asyncio.gather(*map(origins.knows, asked))

    assert asyncio.run(flood()) == [True] + [False] * 500
    assert len(readings) <= 2


def test_what_is_known_is_not_asked_again(houses: Houses, readings: list[int]) -> None:
    acme, globex = houses

    async def ask() -> set[bool]:
        origins = Origins()
        return {await origins.knows(house.origin) for house in (acme, globex) for _ in range(100)}

    assert asyncio.run(ask()) == {True}
    assert len(readings) == 1


def test_a_new_origin_is_known_at_once_and_a_suspended_tenants_soon_no_more(
    houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, _ = houses
    new = f"https://new.{acme.tenant.slug}.example"

    async def ask() -> list[bool]:
        origins = Origins()
        told = [await origins.knows(acme.origin), await origins.knows(new)]
        await asyncio.to_thread(allow)
        told.append(await origins.knows(new))
        await asyncio.to_thread(suspend)
        monkeypatch.setattr(preflights, "SECONDS", 0.0)  # as if so many had passed
        return [*told, await origins.knows(new), await origins.knows(acme.origin)]

    def allow() -> None:
        Tenant.objects.filter(id=acme.tenant.id).update(allowed_origins=[acme.origin, new])

    def suspend() -> None:
        Tenant.objects.filter(id=acme.tenant.id).update(suspended_at=timezone.now())

    assert asyncio.run(ask()) == [True, False, True, False, False]


def test_while_the_database_is_away_what_was_known_is_said(
    houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, _ = houses

    def away() -> Any:
        raise OperationalError("nobody there")

    async def ask() -> list[bool]:
        origins = Origins()
        told = [await origins.knows(acme.origin)]
        monkeypatch.setattr(preflights, "_origins", away)
        monkeypatch.setattr(preflights, "SECONDS", 0.0)
        return [*told, await origins.knows(acme.origin), await origins.knows("https://evil.example")]

    assert asyncio.run(ask()) == [True, True, False]
