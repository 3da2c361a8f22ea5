"""What the operator does from a terminal: everything that the pages do, under the name of whoever typed it."""

import getpass
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connections

from apps.tenants import access, invitations, organisation, scope, twofactor
from apps.tenants.models import Invitation, Tenant
from chatwithus.embedded import Services
from tests.services import CLONES
from tests.tenants.acting import log, said
from tests.tenants.phone import set_up
from tests.world import House


def run(*command: str) -> str:
    told = StringIO()
    call_command(*command, stdout=told)
    return told.getvalue().strip()


def test_a_tenant_is_opened_with_a_link_for_its_owner(db: None) -> None:
    tenant_id, link = run(
        "open_tenant", "initech", "--name", "Initech", "--owner", "bill@initech.example"
    ).splitlines()
    tenant = Tenant.objects.get(slug="initech")
    assert (str(tenant.id), tenant.name, tenant.allowed_origins) == (tenant_id, "Initech", [])
    found, invitation_id = invitations.read(link.rstrip("/").rpartition("/")[2])
    assert found == tenant.id
    with scope.scoped_to(tenant.id):
        invitation = Invitation.objects.get(id=invitation_id)
    assert (invitation.email, invitation.role) == ("bill@initech.example", "owner")


@pytest.mark.parametrize("command", [
    ("open_tenant", "no slug", "--owner", "a@b.example"), ("open_tenant", "fine", "--owner", "nobody"), ("invite", "nowhere", "a@b.example"),
    ("mint_key", "nowhere", "x"), ("suspend_tenant", "nowhere"),
])  # fmt: skip
def test_nonsense_is_explained_and_changes_nothing(db: None, command: tuple[str, ...]) -> None:
    before = Tenant.objects.count()
    with pytest.raises(CommandError):
        run(*command)
    assert Tenant.objects.count() == before


def test_a_slug_is_taken_once(acme: House) -> None:
    with pytest.raises(CommandError, match="already"):
        run("open_tenant", acme.tenant.slug, "--owner", "a@b.example")


def test_keys_and_invitations(acme: House, globex: House) -> None:
    slug = acme.tenant.slug
    secret = run("mint_key", slug, "Report", "--scope", "read", "--days", "7")
    admitted = access.by_key(secret)
    assert admitted is not None
    assert admitted.tenant == acme.tenant
    assert not admitted.may("keys.manage")
    with pytest.raises(CommandError):
        run("revoke_key", globex.tenant.slug, secret[:16])
    assert access.by_key(secret) is not None
    assert run("revoke_key", slug, secret[:16]).startswith("Revoked: Report")
    assert access.by_key(secret) is None
    assert "/console/join/" in run("invite", slug, "ada@acme.example", "--role", "manager")
    with pytest.raises(CommandError, match="works here already"):
        run("invite", slug, acme.user.username)
    assert {entry.actor_kind for entry in log(acme)} == {"command"}


def test_suspending_and_letting_in_again(acme: House) -> None:
    run("suspend_tenant", acme.tenant.slug)
    assert access.by_key(acme.key) is None
    run("resume_tenant", acme.tenant.slug)
    assert access.by_key(acme.key) is not None
    assert said(acme) == [("organisation.suspended", "done"), ("organisation.resumed", "done")]


def test_a_lost_second_factor_is_forgotten_and_the_tenant_is_told(acme: House) -> None:
    set_up(acme.user)
    run("forget_second_factor", acme.user.username)
    assert twofactor.device_of(acme.user) is None
    [entry] = log(acme, "second_factor.forgotten")
    assert (entry.actor_kind, entry.target_name) == ("command", acme.user.username)
    with pytest.raises(CommandError):
        run("forget_second_factor", "nobody")


def test_whoever_sets_a_password_can_come_in_by_it_which_is_written_down(
    acme: House, globex: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = iter(["four words for acme", "four words for acme", "12345", "12345", "", ""])
    monkeypatch.setattr(getpass, "getpass", lambda prompt="": next(typed))
    run("changepassword", acme.user.username)
    with pytest.raises(CommandError):
        run("changepassword", acme.user.username)
    acme.user.refresh_from_db()
    assert acme.user.check_password("four words for acme")
    [entry] = log(acme, "password.set")
    assert (entry.actor_kind, entry.target_name) == ("command", acme.user.username)
    assert not log(globex, "password.set")


def test_who_may_enter_every_tenant_is_told_to_every_tenant(
    acme: House, globex: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "four words for acme")
    run("createsuperuser", "--noinput", "--username", "root@ops.example", "--email", "root@ops.example")
    with pytest.raises(CommandError):
        run("createsuperuser", "--noinput", "--username", "root@ops.example", "--email", "root@ops.example")
    for house in (acme, globex):
        [entry] = log(house, "operator.made")
        assert (entry.actor_kind, entry.target_name) == ("command", "root@ops.example")


def test_what_a_model_costs_is_told_to_whoever_has_a_budget(acme: House, globex: House) -> None:
    run("set_price", "openai:gpt-4o*", "2.50", "10")
    for house in (acme, globex):
        [entry] = log(house, "price.set")
        assert entry.facts == {"pattern": "openai:gpt-4o*", "input": "2.50", "output": "10"}


def test_secrets_that_are_sealed_anew_are_counted_in_their_owners_log(acme: House, globex: House) -> None:
    set_up(acme.user)
    with acme.scope():
        organisation.rotate_identity_secret()
    run("reseal")
    [entry] = log(acme, "secrets.resealed")
    assert (entry.actor_kind, entry.facts) == ("command", {"done": 1, "lost": []})
    assert log(acme, "second_factor.resealed")
    assert not [*log(globex, "secrets.resealed"), *log(globex, "second_factor.resealed")]


def test_a_second_factor_is_not_forgotten_where_that_cannot_be_written_down(
    houses: tuple[House, House], services: Services
) -> None:
    acme, _ = houses
    set_up(acme.user)
    connections.close_all()
    with services.cluster.connect(CLONES["database"]) as superuser:
        superuser.execute(
            b"ALTER TABLE tenants_auditentry ADD CONSTRAINT unwritten CHECK (action <> 'second_factor.forgotten') NOT VALID"
        )
        try:
            with pytest.raises(IntegrityError):
                run("forget_second_factor", acme.user.username)
            assert twofactor.device_of(acme.user) is not None
        finally:
            connections.close_all()
            superuser.execute(b"ALTER TABLE tenants_auditentry DROP CONSTRAINT unwritten")


def shown(house: House) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run("show_tenant", house.tenant.slug))
    return told


def test_settings_are_changed_by_name(acme: House, globex: House) -> None:
    before = shown(globex)
    run("change_settings", acme.tenant.slug, "allowed_origins=https://a.example, HTTPS://B.example", "retention_days=30", "requires_two_factor=true")  # fmt: skip
    settings = shown(acme)["settings"]
    assert settings["allowed_origins"] == ["https://a.example", "https://b.example"]
    assert (settings["retention_days"], settings["requires_two_factor"]) == (30, True)
    run("change_settings", acme.tenant.slug, "retention_days=")
    assert shown(acme)["settings"]["retention_days"] is None
    assert {line.actor_kind for line in log(acme, "organisation.changed")} == {"command"}
    assert shown(globex) == before


@pytest.mark.parametrize("said", [
    "name", "name=", "slug=other", "id=1", "idle_minutes=0", "idle_minutes=x", "requires_two_factor=2x", "allowed_origins=nonsense", "providers=elsewhere",
    "retention_days=-1", "locale=x y",
])  # fmt: skip
def test_a_setting_that_cannot_hold_is_explained_and_changes_nothing(acme: House, said: str) -> None:
    before = shown(acme)
    with pytest.raises(CommandError):
        run("change_settings", acme.tenant.slug, said)
    assert shown(acme) == before


def test_roles_are_changed_and_people_removed_but_for_the_last_owner(acme: House, globex: House) -> None:
    slug, staff = acme.tenant.slug, acme.colleague("staff").username
    run("change_role", slug, staff, "manager")
    assert {"user__username": staff, "role": "manager"} in shown(acme)["people"]
    for command in (("change_role", slug, acme.user.username, "staff"), ("remove_member", slug, acme.user.username)):  # fmt: skip
        with pytest.raises(CommandError, match="last owner"):
            run(*command)
    with pytest.raises(CommandError):
        run("remove_member", slug, globex.user.username)
    run("remove_member", slug, staff)
    assert [one["user__username"] for one in shown(acme)["people"]] == [acme.user.username]
    assert ("member.removed", "done") in said(acme)


def test_an_invitation_is_taken_back(acme: House) -> None:
    link = run("invite", acme.tenant.slug, "ada@acme.example")
    assert [one["email"] for one in shown(acme)["invitations"]] == ["ada@acme.example"]
    run("revoke_invitation", acme.tenant.slug, "Ada@acme.example")
    with pytest.raises(CommandError):
        run("revoke_invitation", acme.tenant.slug, "ada@acme.example")
    assert link
    assert shown(acme)["invitations"] == []


def test_credentials_come_on_standard_input_and_are_never_shown(
    acme: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sk-a-very-long-secret-1234"
    monkeypatch.setattr("sys.stdin", StringIO(json.dumps({"api_key": secret})))
    told = run("keep_credential", acme.tenant.slug, "openai")
    everything = told + json.dumps(shown(acme)) + run("read_audit", acme.tenant.slug)
    assert secret not in everything
    assert [one["provider"] for one in shown(acme)["credentials"]] == ["openai"]
    for nonsense in ("", "[]", '{"api_key": 1}', '{"api_key": "x"}'):
        monkeypatch.setattr("sys.stdin", StringIO(nonsense))
        with pytest.raises(CommandError):
            run("keep_credential", acme.tenant.slug, "openai")
    run("forget_credential", acme.tenant.slug, "openai")
    with pytest.raises(CommandError):
        run("forget_credential", acme.tenant.slug, "openai")


def test_the_identity_secret_is_printed_once(acme: House) -> None:
    secret = run("make_identity_secret", acme.tenant.slug)
    acme.tenant.refresh_from_db()
    assert acme.tenant.identity_secret == secret
    assert shown(acme)["has_identity_secret"]
    run("make_identity_secret", acme.tenant.slug, "--forget")
    assert not shown(acme)["has_identity_secret"]


def test_budgets_are_set_and_dropped(acme: House, globex: House) -> None:
    slug = acme.tenant.slug
    run("set_budget", slug, "day", "--tokens", "1000")
    run("set_budget", slug, "month", "--agent", str(acme.agent.id), "--cost", "2.50")
    found = [(one["period"], one["tokens"], one["cost"]) for one in shown(acme)["budgets"]]
    assert found == [("day", 1000, None), ("month", None, "2.500000")]
    for wrong in (["day"], ["day", "--tokens", "-1"], ["day", "--cost", "x"], ["day", "--cost", "NaN"], ["month", "--drop"],
                  ["day", "--agent", str(globex.agent.id), "--tokens", "1"]):  # fmt: skip
        with pytest.raises(CommandError):
            run("set_budget", slug, *wrong)
    run("set_budget", slug, "day", "--drop")
    assert len(shown(acme)["budgets"]) == 1
    assert shown(globex)["budgets"] == []


def test_the_audit_log_is_read_line_by_line(acme: House, globex: House) -> None:
    run("suspend_tenant", acme.tenant.slug)
    run("resume_tenant", acme.tenant.slug)
    lines = run("read_audit", acme.tenant.slug).splitlines()
    assert ["resumed" in lines[0], "suspended" in lines[1], len(lines)] == [True, True, 2]
    assert len(run("read_audit", acme.tenant.slug, "--limit", "1").splitlines()) == 1
    assert run("read_audit", acme.tenant.slug, "--outcome", "refused") == ""
    assert run("read_audit", globex.tenant.slug) == ""
