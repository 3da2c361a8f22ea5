"""The proof bites: a leak planted in each door, one at a time, makes it fail, and so does what it cannot try."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from celery import current_app
from django.db import connections
from django.test import override_settings

from chatwithus.embedded import Services
from consumers.chat import ChatConsumer
from consumers.inbox import InboxConsumer
from tests.isolation import planted
from tests.isolation.proving import prove
from tests.services import CLONES


def with_route(view: Any, address: str = "console/trespass/<uuid:pk>/") -> Any:
    urlconf = ModuleType("urlconf")
    urlconf.urlpatterns = planted.at(view, address)  # type: ignore[attr-defined]
    urlconf.handler404 = "apps.console.errors.not_found"  # type: ignore[attr-defined]
    return override_settings(ROOT_URLCONF=urlconf)


@pytest.mark.parametrize(
    ("view", "told"),
    [
        (planted.reading, "shows what is canary-two's"),
        (planted.writing, "agents_agent of canary-two has changed"),
    ],
)
def test_a_leak_in_a_route_is_found(committed: None, view: Any, told: str) -> None:
    with with_route(view):
        status, said = prove(door=["routes"], matching="trespass")
    assert status == 1
    assert any(line.startswith("leak: ") and told in line for line in said), said
    assert any(line.startswith("leak with one wall: ") and told in line for line in said), said


def test_a_cache_key_without_its_tenant_is_found(committed: None) -> None:
    with with_route(planted.caching):
        status, said = prove(door=["routes", "cache"], matching="trespass")
    assert status == 1
    assert any("greeting holds words of canary-two" in line for line in said), said


@pytest.mark.parametrize("consumer", [ChatConsumer, InboxConsumer])
def test_a_leak_in_a_frame_is_found(committed: None, monkeypatch: pytest.MonkeyPatch, consumer: Any) -> None:
    monkeypatch.setattr(consumer, "on_trespass", planted.on_trespass, raising=False)
    status, said = prove(door=["frames"], matching="trespass")
    assert status == 1
    assert any(line.startswith("leak: frame") and "trespass" in line for line in said), said


@pytest.fixture
def registered() -> Iterator[Callable[[Any], None]]:
    names: list[str] = []

    def register(function: Any) -> None:
        names.append(planted.task(function).name)

    yield register
    for name in names:
        current_app.tasks.unregister(name)


def test_a_leak_in_a_task_is_found(committed: None, registered: Callable[[Any], None]) -> None:
    registered(planted.trespass)
    status, said = prove(door=["tasks"], matching="trespass")
    assert status == 1
    assert "leak: chats_chat of canary-two has changed" in said


@pytest.fixture
def unwalled(services: Services) -> Iterator[None]:
    """Without the policy on the notes of this run's database."""
    connections["default"].close()
    with services.cluster.connect(CLONES["database"]) as superuser:
        superuser.execute(b"ALTER TABLE chats_note DISABLE ROW LEVEL SECURITY")
    yield
    with services.cluster.connect(CLONES["database"]) as superuser:
        superuser.execute(b"ALTER TABLE chats_note ENABLE ROW LEVEL SECURITY")


def test_a_table_without_its_policy_is_found(committed: None, unwalled: None) -> None:
    status, said = prove(door=["tables"], matching="chats_note")
    assert status == 1
    assert any(line.startswith("leak: table chats_note: SQL SELECT") for line in said), said
    assert any(line.startswith("leak with one wall: table chats_note: ") for line in said), said


def test_a_route_that_cannot_be_tried_is_found(committed: None) -> None:
    with with_route(planted.puzzling, "console/trespass/<slug:thing>/"):
        status, said = prove(door=["routes"], matching="trespass")
    assert status == 1
    assert any(line.startswith("uncovered: GET /console/trespass/{thing}/") for line in said), said


def test_a_frame_with_an_unknown_field_is_found(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChatConsumer, "on_trespass", planted.on_puzzle, raising=False)
    status, said = prove(door=["frames"], matching="trespass")
    assert status == 1
    assert "uncovered: frame ChatConsumer.trespass: no value is known for its field thing" in said


def test_a_task_with_an_unknown_parameter_is_found(
    committed: None, registered: Callable[[Any], None]
) -> None:
    registered(planted.puzzle)
    status, said = prove(door=["tasks"], matching="trespass")
    assert status == 1
    assert "uncovered: task apps.trespass.puzzle: no value is known for its thing" in said
