"""Whose turn it is: one organisation's thousand files do not make another's one wait."""

import pytest

from apps.knowledge import tasks, turns
from apps.knowledge.models import Knowledge
from apps.tenants import valkey
from chatwithus.embedded.processes import Child
from tests.server import Server, wait_until_read
from tests.world import House

Houses = tuple[House, House]
MANY = 60


def test_one_tenants_many_files_do_not_make_another_wait(
    server: Server, worker: Child, houses: Houses
) -> None:
    many, one = houses
    with server.rest(many) as greedy, server.rest(one) as modest:
        for number in range(MANY):
            body = {"name": f"Depot {number}", "content": f"Depot number {number} is green. " * 60}
            assert greedy.post("/api/v1/knowledge", json=body).status_code == 202
        added = modest.post(
            "/api/v1/knowledge", json={"name": "Depot", "content": "The depot is green."}
        ).json()
        assert wait_until_read(modest, added["id"])["status"] == "ready"
        with many.scope():
            waiting = Knowledge.objects.filter(status="waiting")
            assert waiting.count() > MANY / 3
            waiting.update(status="failed")  # or the worker would go on with them beside other tests


def test_a_tenant_has_one_ticket_until_its_turn_has_ended(houses: Houses) -> None:
    acme, globex = houses
    with acme.scope():
        assert turns.take_ticket()
        assert not turns.take_ticket()
        with globex.scope():
            assert turns.take_ticket()
        turn = turns.Turn()
        turn.end()
        assert turns.take_ticket()


def test_a_turn_goes_on_while_nobody_else_waits(houses: Houses, monkeypatch: pytest.MonkeyPatch) -> None:
    acme, _ = houses
    monkeypatch.setattr(turns, "QUEUE", f"reading-{acme.tenant.id}")
    monkeypatch.setattr(turns, "LONG", 0.0)
    monkeypatch.setattr(turns, "SHORT", 0.0)
    with acme.scope():
        alone = turns.Turn()
        assert not alone.is_over()
        valkey.blocking().rpush(turns.QUEUE, "somebody")
        assert turns.Turn().is_over()


def test_who_was_read_a_lot_lately_yields_sooner(houses: Houses) -> None:
    acme, _ = houses
    with acme.scope():
        fresh = turns.Turn()
        fresh._began -= 60
        fresh.end()
        assert turns.Turn()._credit == turns.SHORT < fresh._credit


def test_what_waits_is_read_though_the_queue_was_lost(houses: Houses) -> None:
    acme, _ = houses
    with acme.scope():
        Knowledge.objects.create(name="Depots", content="The depot is green.")
        tasks.read_on.apply(headers={"cwu_tenant": str(acme.tenant.id)}, throw=True)
        assert Knowledge.objects.get().status == "ready"


def test_a_sweep_calls_a_reader_for_what_waits(houses: Houses) -> None:
    acme, _ = houses
    with acme.scope():
        Knowledge.objects.create(name="Depots", content="The depot is green.")
        tasks.sweep_tenant.apply(headers={"cwu_tenant": str(acme.tenant.id)}, throw=True)
        assert not turns.take_ticket(), "nobody was called"
        Knowledge.objects.update(status="failed")  # or a worker of later tests would read it
