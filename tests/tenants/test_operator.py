"""The operator's admin shows a tenant's rows only inside a tenant that was explicitly entered, and writes that down."""

import time

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client

from apps.agents.models import Agent, Price
from apps.tenants import access, scope
from apps.tenants.models import ApiKey, AuditEntry, Membership, Tenant
from tests.tenants.acting import log, member, said
from tests.tenants.phone import set_up
from tests.world import House

OWNED = ("agents/agent", "knowledge/knowledge", "chats/chat", "chats/contentchat", "analysis/sentimentanalysis", "tenants/apikey", "tenants/membership")  # fmt: skip


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("operator"))
    return client


def enter(operator: Client, house: House, action: str = "enter") -> None:
    chosen = {"action": action, "_selected_action": [str(house.tenant.id)]}
    assert operator.post("/admin/tenants/tenant/", chosen).status_code == 302


@pytest.mark.parametrize("page", OWNED)
def test_outside_a_tenant_nothing_owned_is_shown(operator: Client, acme: House, page: str) -> None:
    assert operator.get(f"/admin/{page}/").status_code == 403
    assert f"/admin/{page}/" not in operator.get("/admin/").content.decode()


@pytest.mark.parametrize("page", OWNED)
def test_inside_a_tenant_its_rows_are_shown(operator: Client, acme: House, page: str) -> None:
    enter(operator, acme)
    assert operator.get(f"/admin/{page}/").status_code == 200


def test_inside_one_tenant_nothing_of_the_rival_is_shown(
    operator: Client, acme: House, globex: House
) -> None:
    enter(operator, acme)
    shown = operator.get("/admin/agents/agent/").content.decode()
    assert acme.agent.name in shown
    assert globex.agent.name not in shown
    assert operator.get(f"/admin/agents/agent/{globex.agent.id}/change/").status_code == 302


def test_entering_is_written_down_and_leaving_shuts_the_door(operator: Client, acme: House) -> None:
    enter(operator, acme)
    [entry] = LogEntry.objects.filter(object_id=str(acme.tenant.id))
    assert "Entered" in entry.get_change_message()
    enter(operator, acme, action="leave")
    assert operator.get("/admin/agents/agent/").status_code == 403


def test_the_tenant_reads_in_its_own_log_that_the_operator_was_there(operator: Client, acme: House) -> None:
    enter(operator, acme)
    operator.post("/admin/tenants/tenant/", {"action": "leave", "_selected_action": [str(acme.tenant.id)]})
    assert [(entry.action, entry.actor_kind, entry.actor_name) for entry in log(acme)] == [
        ("operator.entered", "operator", "operator"),
        ("operator.left", "operator", "operator"),
    ]


def test_a_visit_ends_by_itself_after_an_hour(
    operator: Client, acme: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(operator, acme)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3599)
    assert operator.get("/admin/agents/agent/").status_code == 200
    monkeypatch.setattr(time, "time", lambda: now + 3601)
    assert operator.get("/admin/agents/agent/").status_code == 403


def test_inside_a_tenant_nobody_is_let_in_made_more_or_shut_out(operator: Client, acme: House) -> None:
    """What a visit changed would outlast its hour, past the checks of members.py."""
    enter(operator, acme)
    me, owner = get_user_model().objects.get(username="operator"), member(acme, acme.user)
    people, agents = "/admin/tenants/membership", "/admin/agents/agent"
    bulk = {"action": "delete_selected", "_selected_action": [str(owner.id)], "post": "yes"}
    for address, sent in (
        (f"{people}/add/", {"user": me.pk, "role": "owner"}),
        (f"{people}/{owner.id}/change/", {"user": acme.user.pk, "role": "staff"}),
        (f"{people}/{owner.id}/delete/", {"post": "yes"}),
        (f"{agents}/add/", {"name": "Mine"}),
        (f"{agents}/{acme.agent.id}/change/", {"name": "Mine"}),
        (f"{agents}/{acme.agent.id}/delete/", {"post": "yes"}),
    ):
        assert operator.post(address, sent).status_code == 403, address
    operator.post(f"{people}/", bulk)
    with acme.scope():
        assert list(Membership.objects.values_list("user_id", "role")) == [(acme.user.pk, "owner")]
        assert list(Agent.objects.values_list("name", flat=True)) == [acme.agent.name]
    assert said(acme) == [("operator.entered", "done")]


def test_a_key_that_the_operator_revokes_stands_in_the_tenants_log(operator: Client, acme: House) -> None:
    enter(operator, acme)
    with acme.scope():
        key = ApiKey.objects.get()
    operator.post("/admin/tenants/apikey/", {"action": "revoke", "_selected_action": [str(key.id)]})
    assert access.by_key(acme.key) is None
    [line] = log(acme, "key.revoked")
    assert (line.actor_kind, line.actor_name, line.target_id) == ("operator", "operator", str(key.id))


def test_opening_and_changing_a_tenant_is_written_down(operator: Client, db: None) -> None:
    fields = {
        "name": "Initech",
        "slug": "initech-admin",
        "locale": "en",
        "idle_minutes": "30",
        "providers": "builtin",
    }
    assert operator.post("/admin/tenants/tenant/add/", fields).status_code == 302
    opened = Tenant.objects.get(slug="initech-admin")
    with scope.scoped_to(opened.id):
        entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_kind) == ("organisation.opened", "operator")


def test_staff_of_a_tenant_are_no_operators(db: None, acme: House) -> None:
    client = Client()
    client.force_login(acme.user)
    assert client.get("/admin/").status_code == 302


def test_an_operator_with_a_second_factor_shows_it_before_anything_else(acme: House) -> None:
    """Also on a session that is older than it."""
    user = get_user_model().objects.create_superuser("operator-2fa")
    browser = Client()
    browser.force_login(user)
    assert browser.get("/admin/").status_code == 200
    paper = set_up(user)
    for page in ("/admin/", "/admin/auth/user/", "/admin/tenants/tenant/", "/admin/isolation/"):
        assert browser.get(page).headers["Location"].startswith("/admin/login/")
    enter = {"action": "enter", "_selected_action": [str(acme.tenant.id)]}
    assert browser.post("/admin/tenants/tenant/", enter).status_code == 302
    assert log(acme) == []
    asked = browser.get("/admin/auth/user/", follow=True)
    assert asked.redirect_chain[-1][0] == "/console/login/code/"
    shown = browser.post("/console/login/code/", {"code": paper[0]})
    assert shown.headers["Location"] == "/admin/auth/user/"
    assert browser.get("/admin/auth/user/").status_code == 200


def test_staff_in_djangos_sense_are_no_operators(db: None) -> None:
    browser = Client()
    browser.force_login(get_user_model().objects.create(username="helper", is_staff=True))
    assert browser.get("/admin/", follow=True).status_code == 403


def test_prices_are_changed_where_everybody_reads_of_it(operator: Client, acme: House, globex: House) -> None:
    price = {"pattern": "openai:gpt*", "input": "2.50", "output": "10"}
    assert operator.post("/admin/agents/price/add/", price | {"output": "-1"}).status_code == 200
    assert not Price.objects.exists()
    assert operator.post("/admin/agents/price/add/", price).status_code == 302
    kept = Price.objects.get()
    operator.post(f"/admin/agents/price/{kept.pk}/change/", price | {"output": "12"})
    chosen = {"action": "delete_selected", "_selected_action": [str(kept.pk)], "post": "yes"}
    operator.post("/admin/agents/price/", chosen)
    assert not Price.objects.exists()
    for house in (acme, globex):
        told = [entry.facts["output"] for entry in log(house, "price.set")]
        assert sorted(map(float, told)) == [10, 12]
        [gone] = log(house, "price.dropped")
        assert (gone.actor_kind, gone.actor_name, gone.facts["pattern"]) == (
            "operator",
            "operator",
            "openai:gpt*",
        )
