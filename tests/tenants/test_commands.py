"""What the operator does from a terminal: everything that the pages do, under the name of whoever typed it."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.tenants import access, invitations, scope, twofactor
from apps.tenants.models import Invitation, Tenant
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
