"""Links that make somebody a member: for one person, once, for some days, and until they are revoked."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from apps.tenants import access, invitations, keyring, members
from apps.tenants.access import Forbidden
from apps.tenants.invitations import AlreadyMember, BadLink, HasAccount, WrongAccount
from apps.tenants.models import Invitation, Membership
from tests.tenants.acting import at_work, log, member, said
from tests.world import House

PASSWORD = "a long and winding road"


def address(house: House) -> str:
    return f"newcomer@{house.tenant.slug}.example"


def newcomer(house: House) -> Any:
    return get_user_model().objects.create(username=address(house))


def invite(house: House, role: str = "staff", user: Any = None) -> tuple[Invitation, str]:
    with at_work(house, user) as by:
        return invitations.invite(address(house), role, by=by)


def signed(link: str) -> str:
    return link.rstrip("/").rpartition("/")[2]


def test_the_link_names_tenant_and_invitation(acme: House) -> None:
    made, link = invite(acme)
    assert link.startswith("http://127.0.0.1:8000/console/join/") or "/console/join/" in link
    assert invitations.read(signed(link)) == (acme.tenant.id, made.id)


def test_whoever_has_an_account_becomes_a_member_once(acme: House) -> None:
    made, _ = invite(acme, "manager")
    user = newcomer(acme)
    with acme.scope():
        invitations.accept(invitations.find(made.id), user)
        admitted = access.by_membership(user, acme.tenant.id)
        assert admitted is not None
        assert admitted.role == "manager"
        with pytest.raises(BadLink):
            invitations.find(made.id)


def test_whoever_has_none_makes_one_under_the_invited_address(acme: House) -> None:
    made, _ = invite(acme)
    with acme.scope():
        user = invitations.sign_up(made, PASSWORD, name="Grace Brewster Hopper")
    assert (user.username, user.email) == (address(acme), address(acme))
    assert user.get_full_name() == "Grace Brewster Hopper"
    assert user.check_password(PASSWORD)
    assert not user.is_staff
    assert access.by_membership(user, acme.tenant.id) is not None


@pytest.mark.parametrize("password", ["short", "password1234"])
def test_an_easy_password_makes_no_account(acme: House, password: str) -> None:
    made, _ = invite(acme)
    with acme.scope(), pytest.raises(ValidationError):
        invitations.sign_up(made, password)
    assert invitations.account_of(address(acme)) is None


def test_an_account_that_exists_is_not_taken_over(acme: House) -> None:
    made, _ = invite(acme)
    newcomer(acme)
    with acme.scope(), pytest.raises(HasAccount):
        invitations.sign_up(made, PASSWORD)


def test_somebody_elses_account_is_refused_and_that_is_noted(acme: House, globex: House) -> None:
    made, _ = invite(acme)
    with acme.scope(), pytest.raises(WrongAccount):
        invitations.accept(made, globex.user)
    assert access.by_membership(globex.user, acme.tenant.id) is None
    assert said(acme)[-1] == ("invitation.accepted", "refused")


def test_who_works_here_is_not_invited_again(acme: House) -> None:
    with at_work(acme) as by, pytest.raises(AlreadyMember):
        invitations.invite(acme.user.username.upper(), "staff", by=by)


@pytest.mark.parametrize("end", ["revoked", "expired", "replaced", "suspended"])
def test_a_link_ends(acme: House, end: str) -> None:
    made, _ = invite(acme)
    with acme.scope():
        if end == "revoked":
            invitations.revoke(made)
        if end == "expired":
            Invitation.objects.filter(id=made.id).update(expires_at=timezone.now() - timedelta(seconds=1))
    if end == "replaced":
        invite(acme)
    if end == "suspended":
        acme.tenant.suspended_at = timezone.now()
        acme.tenant.save()
    with acme.scope():
        with pytest.raises(BadLink):
            invitations.find(made.id)
        if end != "suspended":
            with pytest.raises(BadLink):
                invitations.accept(made, newcomer(acme))


def test_two_who_accept_at_once_become_one_member(houses: tuple[House, House]) -> None:
    acme, _ = houses
    made, _ = invite(acme)
    user, start, done = newcomer(acme), threading.Barrier(4), []

    def accept() -> None:
        try:
            with acme.scope():
                start.wait()
                invitations.accept(made, user)
                done.append(1)
        except (BadLink, AlreadyMember):
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=accept) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1
    with acme.scope():
        assert Membership.objects.filter(user=user).count() == 1


@pytest.mark.parametrize(("actor", "role", "is_allowed"), [("staff", "staff", False), ("manager", "manager", True), ("manager", "owner", False),
                                                           ("owner", "owner", True)])  # fmt: skip
def test_nobody_invites_above_themselves(acme: House, actor: str, role: str, is_allowed: bool) -> None:
    who = acme.colleague(actor)
    if is_allowed:
        invite(acme, role, who)
    else:
        with pytest.raises(Forbidden):
            invite(acme, role, who)
    assert said(acme) == [("invitation.made", "done" if is_allowed else "refused")]


@pytest.mark.parametrize("link", ["", "x", "a:b:c", "\0", "é", "..", "WyJhIiwgImIiXQ:1:x"])
def test_what_was_not_signed_here_opens_nothing(db: None, link: str) -> None:
    with pytest.raises(BadLink):
        invitations.read(link)


def test_a_link_changed_in_any_place_opens_nothing(acme: House) -> None:
    _, link = invite(acme)
    whole = signed(link)
    for at, letter in enumerate(whole):
        changed = whole[:at] + ("A" if letter != "A" else "B") + whole[at + 1 :]
        try:
            assert invitations.read(changed) == invitations.read(whole), (
                changed
            )  # the last bits of base64 carry nothing
            assert at == len(whole) - 1
        except BadLink:
            pass


def test_the_rivals_invitation_is_none_here(acme: House, globex: House) -> None:
    made, _ = invite(globex)
    with acme.scope(), pytest.raises(BadLink):
        invitations.find(made.id)


def test_no_link_stands_in_the_log(acme: House) -> None:
    _, link = invite(acme)
    assert signed(link) not in str([vars(entry) for entry in log(acme)])


@pytest.mark.parametrize("end", ["removed", "made staff", "locked out"])
def test_what_a_manager_gave_ends_with_what_they_may_give(acme: House, end: str) -> None:
    """Otherwise they came back by another address of their own."""
    manager = acme.colleague("manager")
    made, _ = invite(acme, "manager", manager)
    with at_work(acme) as by:
        if end == "removed":
            members.remove(member(acme, manager), by=by)
        if end == "made staff":
            members.change_role(member(acme, manager), "staff", by=by)
    if end == "locked out":
        get_user_model().objects.filter(pk=manager.pk).update(is_active=False)
    with acme.scope():
        with pytest.raises(BadLink):
            invitations.find(made.id)
        with pytest.raises(BadLink):
            invitations.accept(made, newcomer(acme))
    assert said(acme)[-1] == ("invitation.accepted", "refused")


def test_a_key_gives_no_longer_than_whoever_minted_it(acme: House) -> None:
    owner = acme.colleague("owner")
    with at_work(acme, owner) as by:
        _, secret = keyring.mint("Directory", ["manage"], by=by)
    program = access.by_key(secret)
    assert program is not None
    with access.entered(program):
        made, _ = invitations.invite(address(acme), "manager", by=program)
        assert invitations.find(made.id) == made
    with at_work(acme) as by:
        members.remove(member(acme, owner), by=by)
        with pytest.raises(BadLink):
            invitations.find(made.id)


def test_what_the_operator_gave_holds_whoever_goes(acme: House) -> None:
    with acme.scope():
        made, _ = invitations.invite(address(acme), "manager")
        assert invitations.find(made.id) == made
