"""Roles: nobody raises anybody above themselves, and somebody owns the house at all times."""

import threading

import pytest
from django.db import connection

from apps.tenants import access, keyring, members
from apps.tenants.access import Forbidden
from apps.tenants.members import LastOwner, NoSuchMember
from apps.tenants.models import Membership
from tests.tenants.acting import admitted, at_work, log, member, said
from tests.world import House

ROLES = ("staff", "manager", "owner")


@pytest.mark.parametrize("actor", ROLES)
@pytest.mark.parametrize("before", ROLES)
@pytest.mark.parametrize("after", ROLES)
def test_only_owners_make_and_unmake_owners_and_staff_change_nobody(
    acme: House, actor: str, before: str, after: str
) -> None:
    who, other = acme.colleague(actor), member(acme, acme.colleague(before))
    is_allowed = actor == "owner" or (actor == "manager" and "owner" not in (before, after))
    with at_work(acme, who) as by:
        if is_allowed:
            members.change_role(other, after, by=by)
        else:
            with pytest.raises(Forbidden):
                members.change_role(other, after, by=by)
    assert member(acme, other.user).role == (after if is_allowed else before)
    assert said(acme) == [("member.role_changed", "done" if is_allowed else "refused")]


@pytest.mark.parametrize(("actor", "role", "is_allowed"), [("staff", "staff", False), ("manager", "staff", True), ("manager", "manager", True),
                                                           ("manager", "owner", False), ("owner", "owner", True)])  # fmt: skip
def test_who_may_remove_whom(acme: House, actor: str, role: str, is_allowed: bool) -> None:
    who, other = acme.colleague(actor), member(acme, acme.colleague(role))
    with at_work(acme, who) as by:
        if is_allowed:
            members.remove(other, by=by)
        else:
            with pytest.raises(Forbidden):
                members.remove(other, by=by)
    assert (access.by_membership(other.user, acme.tenant.id) is None) == is_allowed
    assert said(acme) == [("member.removed", "done" if is_allowed else "refused")]


def test_nobody_raises_themselves(acme: House) -> None:
    manager = acme.colleague("manager")
    with at_work(acme, manager) as by, pytest.raises(Forbidden):
        members.change_role(member(acme, manager), "owner", by=by)


def test_the_last_owner_neither_leaves_nor_steps_down(acme: House) -> None:
    own = member(acme, acme.user)
    with at_work(acme) as by:
        with pytest.raises(LastOwner):
            members.change_role(own, "staff", by=by)
        with pytest.raises(LastOwner):
            members.remove(own, by=by)
    assert member(acme, acme.user).role == "owner"
    assert said(acme) == [("member.role_changed", "refused"), ("member.removed", "refused")]


def test_staff_may_leave_by_themselves(acme: House) -> None:
    person = acme.colleague("staff")
    with at_work(acme, person) as by:
        members.remove(member(acme, person), by=by)
    assert access.by_membership(person, acme.tenant.id) is None


def test_who_is_gone_already_is_not_found(acme: House) -> None:
    other = member(acme, acme.colleague("staff"))
    with at_work(acme) as by:
        members.remove(other, by=by)
        with pytest.raises(NoSuchMember):
            members.change_role(other, "manager", by=by)


def test_the_log_names_who_was_changed_by_whom_and_what_held_before(acme: House) -> None:
    other = member(acme, acme.colleague("staff"))
    with at_work(acme) as by:
        members.change_role(other, "manager", by=by)
    [entry] = log(acme)
    assert (entry.actor_kind, entry.actor_name) == ("user", acme.user.username)
    assert entry.target_id == str(other.id)
    assert other.user.username in entry.target_name
    assert entry.facts == {"role": ["staff", "manager"]}


def test_two_owners_who_go_at_once_cannot_both_go(houses: tuple[House, House]) -> None:
    acme, _ = houses
    second = acme.colleague("owner")
    start, left = threading.Barrier(2), []

    def leave(user: object) -> None:
        try:
            with at_work(acme, user) as by:
                own = member(acme, user)
                start.wait()
                members.remove(own, by=by)
                left.append(user)
        except LastOwner:
            pass
        finally:
            connection.close()

    going = [threading.Thread(target=leave, args=[user]) for user in (acme.user, second)]
    for thread in going:
        thread.start()
    for thread in going:
        thread.join()
    assert len(left) == 1
    with acme.scope():
        assert Membership.objects.filter(role="owner").count() == 1


def test_the_rivals_member_is_nobody_here(acme: House, globex: House) -> None:
    theirs = member(globex, globex.user)
    with at_work(acme) as by, pytest.raises(NoSuchMember):
        members.remove(theirs, by=by)
    assert admitted(globex).role == "owner"


@pytest.mark.parametrize(("role", "after", "open_after"), [
    ("manager", None, set()), ("owner", None, set()), ("manager", "staff", {"chat"}), ("owner", "manager", {"chat", "read"}),
    ("manager", "owner", {"chat", "read"}),
])  # fmt: skip
def test_no_key_outlives_what_its_maker_may(
    acme: House, role: str, after: str | None, open_after: set[str]
) -> None:
    """Nor does one that such a key made, and each is written down under whoever took the role away."""
    maker, secrets = acme.colleague(role), {}
    with at_work(acme, maker) as by:
        for scope in ("chat", "read", *(["manage"] if role == "owner" else [])):
            secrets[scope] = keyring.mint(scope, [scope], by=by)[1]
    if program := access.by_key(secrets.get("manage", "")):
        with access.entered(program):
            secrets["made by a key"] = keyring.mint("made by a key", ["manage"], by=program)[1]
    with at_work(acme) as by:
        if after:
            members.change_role(member(acme, maker), after, by=by)
        else:
            members.remove(member(acme, maker), by=by)
    assert {name for name, secret in secrets.items() if access.by_key(secret)} == open_after
    revoked = log(acme, "key.revoked")
    assert {entry.target_name.partition(" (")[0] for entry in revoked} == set(secrets) - open_after
    assert {entry.actor_name for entry in revoked} <= {acme.user.username}
    assert access.by_key(acme.key) is not None
