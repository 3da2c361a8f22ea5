"""The proof bites: a leak planted in each door, one at a time, makes it fail, and so does what it cannot try."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
from celery import current_app
from django.contrib import admin
from django.db import connections
from django.test import override_settings

from apps.agents.models import Agent
from apps.analysis import live
from chatwithus.embedded import Services
from consumers import dashboard
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
        (planted.sending_on, "takes an id of canary-two's (302)"),
        (planted.writing, "agents_agent of canary-two has changed"),
    ],
)
def test_a_leak_in_a_route_is_found(committed: None, view: Any, told: str) -> None:
    with with_route(view):
        status, said = prove(door=["routes"], matching="trespass")
    assert status == 1
    assert any(line.startswith("leak: ") and told in line for line in said), said
    assert any(line.startswith("leak with one wall: ") and told in line for line in said), said


def test_a_leak_in_the_body_of_a_rest_call_is_found(committed: None) -> None:
    with with_route(planted.programs(), "api/v1/trespass/"):
        status, said = prove(door=["routes"], matching="trespass")
    assert status == 1
    assert "leak: POST /api/v1/trespass/named as key: takes an id of canary-two's (200)" in said


def test_a_leak_in_the_admin_is_found(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin.site.get_model_admin(Agent), "get_object", planted.opened_by_anybody)
    status, said = prove(door=["routes"], matching="/admin/agents/agent/{object_id}/change/")
    assert status == 1
    leak = "GET /admin/agents/agent/{object_id}/change/ as operator: shows what is canary-two's"
    assert f"leak: {leak}" in said
    assert f"leak with one wall: {leak}" in said


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


def test_a_dashboard_that_hears_everybody_is_found(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "group", planted.everybody)
    monkeypatch.setattr(
        dashboard, "_PAUSE", 0
    )  # in a pause the next snapshot, which may be one's own, takes its place
    status, said = prove(door=["frames", "tasks"], matching="score_exchange")
    assert status == 1
    assert "leak: frame DashboardConsumer, listening: tells what is canary-two's" in said


def test_a_task_that_does_nothing_for_its_owner_is_found(
    committed: None, registered: Callable[[Any], None]
) -> None:
    registered(planted.idle)
    status, said = prove(door=["tasks"], matching="trespass")
    assert status == 1
    assert any(line.startswith("uncovered: task apps.trespass.idle: does nothing") for line in said), said


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


@contextmanager
def altered(services: Services, kind: str, table: str, there: str, back: str) -> Iterator[None]:
    """With this done to a table of this run's databases."""
    connections.close_all()
    with services.cluster.connect(CLONES[kind]) as superuser:
        superuser.execute(there.format(table).encode())
        try:
            yield
        finally:
            superuser.execute(back.format(table).encode())


def unwalled(services: Services, kind: str, table: str) -> Any:
    switch = "ALTER TABLE {{}} {} ROW LEVEL SECURITY"
    return altered(services, kind, table, switch.format("DISABLE"), switch.format("ENABLE"))


def shown_to_everybody(services: Services, kind: str, table: str) -> Any:
    return altered(
        services, kind, table, "CREATE POLICY shown ON {} FOR SELECT USING (true)", "DROP POLICY shown ON {}"
    )


@pytest.mark.parametrize(("kind", "table"), [("database", "chats_note"), ("vectors", "knowledge_passage")])
def test_a_table_without_its_policy_is_found(
    committed: None, services: Services, kind: str, table: str
) -> None:
    with unwalled(services, kind, table):
        status, said = prove(door=["tables"], matching=table)
    assert status == 1
    assert any(line.startswith(f"leak: table {table}: SQL SELECT") for line in said), said
    assert any(line.startswith(f"leak with one wall: table {table}: ") for line in said), said


@pytest.mark.parametrize(
    ("kind", "table", "view"),
    [
        ("database", "chats_contentchat", planted.asking_by_hand),
        ("vectors", "knowledge_passage", planted.searching_by_hand),
    ],
)
def test_a_statement_written_by_hand_asks_for_no_tenant_with_one_wall(
    committed: None, services: Services, kind: str, table: str, view: Any
) -> None:
    """So that a hole in a table's policy is found also where Python names the tenant."""
    with shown_to_everybody(services, kind, table), with_route(view):
        status, said = prove(door=["routes"], matching="trespass")
    assert status == 1
    assert any(
        line.startswith("leak with one wall: ") and "shows what is canary-two's" in line for line in said
    ), said
    assert not any(line.startswith("leak: ") for line in said), said


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
