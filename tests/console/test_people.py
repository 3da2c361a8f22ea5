"""The page of people: who works here, with what role, and who was invited."""

import re

import pytest

from apps.tenants import access
from apps.tenants.models import AuditEntry, Invitation, Membership
from tests.console.signing import body, browser_of
from tests.tenants.acting import member
from tests.world import House

ADDRESS = "/console/organisation/people/"


def link_of(page: str) -> str:
    found = re.search(r'data-testid="once"[^>]*>([^<]+)<', page)
    return found[1] if found else ""


def test_everybody_sees_who_works_here_and_nobody_of_the_rival(acme: House, globex: House) -> None:
    page = body(browser_of(acme, "staff").get(ADDRESS))
    assert page.count('data-testid="member-row"') == 2
    assert acme.user.username in page
    assert globex.user.username not in page
    assert "Make an invitation" not in page
    assert "<select" not in page


def test_an_owner_changes_a_role_and_removes_somebody(acme: House) -> None:
    owner, other = browser_of(acme), acme.colleague("staff")
    row = member(acme, other)
    saved = owner.post(f"{ADDRESS}{row.id}/role/", {"role": "manager"}, follow=True)
    assert "is manager now" in body(saved)
    assert member(acme, other).role == "manager"
    owner.post(f"{ADDRESS}{row.id}/remove/")
    assert access.by_membership(other, acme.tenant.id) is None


def test_the_last_owner_is_told_why_they_stay(acme: House) -> None:
    owner, row = browser_of(acme), member(acme, acme.user)
    for deed, fields in (("role", {"role": "staff"}), ("remove", {})):
        page = body(owner.post(f"{ADDRESS}{row.id}/{deed}/", fields, follow=True))
        assert "This is the last owner." in page
    assert member(acme, acme.user).role == "owner"


def test_a_manager_can_neither_make_nor_touch_an_owner(acme: House) -> None:
    manager, owner, staff = (
        browser_of(acme, "manager"),
        member(acme, acme.user),
        member(acme, acme.colleague("staff")),
    )
    assert manager.post(f"{ADDRESS}{owner.id}/role/", {"role": "staff"}).status_code == 403
    assert manager.post(f"{ADDRESS}{owner.id}/remove/").status_code == 403
    assert manager.post(f"{ADDRESS}{staff.id}/role/", {"role": "owner"}).status_code == 403
    assert manager.post(ADDRESS, {"email": "a@b.example", "role": "owner"}).status_code == 422
    assert 'value="owner"' not in body(manager.get(ADDRESS))
    with acme.scope():
        assert Membership.objects.filter(role="owner").count() == 1
        assert AuditEntry.objects.filter(outcome="refused").count() == 3


def test_staff_leave_but_remove_nobody(acme: House) -> None:
    staff = browser_of(acme, "staff")
    other, own = member(acme, acme.colleague("staff")), member(acme, staff.user)  # type: ignore[attr-defined]
    assert staff.post(f"{ADDRESS}{other.id}/remove/").status_code == 403
    assert staff.post(f"{ADDRESS}{own.id}/remove/").status_code == 302
    assert staff.get(ADDRESS).status_code == 302


def test_an_invitation_shows_its_link_once(acme: House) -> None:
    owner = browser_of(acme)
    shown = owner.post(ADDRESS, {"email": "Ada@Shop.example", "role": "manager"})
    link = link_of(body(shown))
    assert "/console/join/" in link
    assert "no-store" in shown["Cache-Control"]
    later = body(owner.get(ADDRESS))
    assert "ada@shop.example" in later
    assert link not in later
    with acme.scope():
        invitation = Invitation.objects.get()
    assert (invitation.email, invitation.role, invitation.invited_by) == (
        "ada@shop.example",
        "manager",
        acme.user.username,
    )
    owner.post(f"/console/organisation/invitations/{invitation.id}/revoke/")
    assert "ada@shop.example as" not in body(owner.get(ADDRESS))
    assert owner.post(f"/console/organisation/invitations/{invitation.id}/revoke/").status_code == 404


@pytest.mark.parametrize(("fields", "said"), [
    ({"email": "nobody", "role": "staff"}, "Enter an e-mail address"), ({"email": "", "role": "staff"}, "Enter an e-mail address"),
    ({"email": "a@b.example", "role": "god"}, "Select a valid choice"), ({"email": "a@b.example"}, "required"),
])  # fmt: skip
def test_nonsense_is_explained(acme: House, fields: dict[str, str], said: str) -> None:
    refused = browser_of(acme).post(ADDRESS, fields)
    assert refused.status_code == 422
    assert said in body(refused)
    with acme.scope():
        assert not Invitation.objects.exists()


def test_the_rivals_people_and_invitations_are_not_found(acme: House, globex: House) -> None:
    owner, theirs = browser_of(acme), member(globex, globex.colleague("staff"))
    with globex.scope():
        invitation = Invitation.objects.create(email="x@y.example")
    assert owner.post(f"{ADDRESS}{theirs.id}/role/", {"role": "manager"}).status_code == 404
    assert owner.post(f"{ADDRESS}{theirs.id}/remove/").status_code == 404
    assert owner.post(f"/console/organisation/invitations/{invitation.id}/revoke/").status_code == 404
    assert member(globex, theirs.user).role == "staff"
    with globex.scope():
        assert Invitation.objects.get().is_open
