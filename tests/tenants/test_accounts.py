"""What the operator does to somebody's account stands in the log of every tenant that this person works for."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from apps.tenants.models import Membership
from tests.tenants.acting import log
from tests.world import PASSWORD, House

NEW = "a long and winding road"


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("operator"))
    return client


@pytest.fixture
def busy(acme: House, globex: House) -> Any:
    """Somebody who works for both houses."""
    with globex.scope():
        Membership.objects.create(user=acme.user, role="staff")
    return acme.user


def page_of(user: Any, page: str = "change") -> str:
    return f"/admin/auth/user/{user.pk}/{page}/"


def fields(user: Any, **changed: Any) -> dict[str, Any]:
    told = {"username": user.username, "first_name": "", "last_name": "", "email": "", "is_active": "on"}
    return {name: value for name, value in (told | changed).items() if value is not None}


def test_a_password_that_the_operator_sets_is_told_to_every_tenant(
    operator: Client, busy: Any, acme: House, globex: House
) -> None:
    sent = {"password1": NEW, "password2": NEW, "set-password": "1", "usable_password": "true"}
    assert operator.post(f"/admin/auth/user/{busy.pk}/password/", sent).status_code == 302
    busy.refresh_from_db()
    assert busy.check_password(NEW)
    for house in (acme, globex):
        [line] = log(house, "password.set")
        assert (line.actor_kind, line.actor_name, line.target_name) == ("operator", "operator", busy.username)
        assert NEW not in str(line.facts)


@pytest.mark.parametrize("flag", ["is_superuser", "is_staff", "is_active"])
def test_flags_that_the_operator_sets_are_told_to_every_tenant(
    operator: Client, busy: Any, acme: House, globex: House, flag: str
) -> None:
    before = getattr(busy, flag)
    changed = fields(busy, **{flag: None if before else "on"})
    assert operator.post(page_of(busy), changed).status_code == 302
    for house in (acme, globex):
        [line] = log(house, "account.changed")
        assert (line.actor_kind, line.facts) == ("operator", {flag: [before, not before]})


def test_what_was_not_changed_is_not_told(operator: Client, busy: Any, acme: House) -> None:
    assert operator.post(page_of(busy), fields(busy)).status_code == 302
    assert operator.post(page_of(busy), fields(busy, username="")).status_code == 200
    wrong = {"password1": NEW, "password2": "another", "set-password": "1", "usable_password": "true"}
    assert operator.post(f"/admin/auth/user/{busy.pk}/password/", wrong).status_code == 200
    busy.refresh_from_db()
    assert busy.check_password(PASSWORD)
    assert log(acme) == []


def test_within_one_tenant_the_others_are_told_as_well(
    operator: Client, busy: Any, acme: House, globex: House
) -> None:
    operator.post("/admin/tenants/tenant/", {"action": "enter", "_selected_action": [str(acme.tenant.id)]})
    assert operator.post(page_of(busy), fields(busy, email="ada@shop.example")).status_code == 302
    assert [len(log(house, "account.changed")) for house in (acme, globex)] == [1, 1]


@pytest.mark.parametrize("confirmed", [{}, {"post": "yes"}])
def test_an_account_is_not_deleted_and_the_operator_reads_why(
    operator: Client, busy: Any, confirmed: dict[str, str]
) -> None:
    refused = operator.post(page_of(busy, "delete"), confirmed, follow=True)
    assert "Accounts are not deleted" in refused.content.decode()
    many = {"action": "delete_selected", "_selected_action": [busy.pk], **confirmed}
    assert operator.post("/admin/auth/user/", many).status_code < 400
    assert get_user_model().objects.filter(pk=busy.pk).exists()


def test_an_account_of_nobodys_is_added_by_the_same_page(operator: Client) -> None:
    sent = {"username": "new@shop.example", "password1": NEW, "password2": NEW, "usable_password": "true"}
    assert operator.post("/admin/auth/user/add/", sent).status_code == 302
    assert get_user_model().objects.get(username="new@shop.example").check_password(NEW)


def test_no_account_of_nobody_is_changed(operator: Client) -> None:
    for page in ("change", "password", "delete", "history"):
        assert operator.get(f"/admin/auth/user/999999/{page}/", follow=True).status_code in {200, 404}


def test_groups_are_not_offered_since_they_give_nobody_anything(operator: Client) -> None:
    assert operator.get("/admin/auth/group/").status_code == 404
