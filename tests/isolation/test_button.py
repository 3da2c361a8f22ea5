"""The operator's button: only the operator's, and it starts one proof in a worker."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from chatwithus import tasks
from tests.world import House


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("operator"))
    return client


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    found: list[bool] = []
    monkeypatch.setattr(tasks.prove_isolation, "delay", lambda: found.append(True))
    return found


def test_pressing_it_starts_a_proof(operator: Client, started: list[bool]) -> None:
    assert operator.post("/admin/isolation/").status_code == 302
    assert started == [True]
    assert "It is waiting for a worker." in operator.get("/admin/isolation/").content.decode()


def test_what_it_said_last_is_shown(operator: Client) -> None:
    tasks.keep(["prove_isolation: the last line"], status=0)
    page = operator.get("/admin/isolation/").content.decode()
    assert "Proven" in page
    assert "prove_isolation: the last line" in page


def test_staff_do_not_see_it(acme: House, started: list[bool]) -> None:
    client = Client()
    client.force_login(acme.user)
    assert client.post("/admin/isolation/").status_code == 302
    assert started == []


def test_the_admin_leads_to_it(operator: Client) -> None:
    assert 'href="/admin/isolation/"' in operator.get("/admin/").content.decode()
