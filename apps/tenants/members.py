"""Who works here: changing roles and removing people. Nobody raises anybody above their own role, and the last owner stays."""

from django.contrib.auth.models import AbstractBaseUser

from apps.tenants import audit, keyring, roles
from apps.tenants.access import Admitted, Forbidden
from apps.tenants.models import Membership

OWNER = Membership.Role.OWNER


class LastOwner(ValueError):
    """Without an owner nobody could change what only owners may."""

    def __init__(self) -> None:
        super().__init__("This is the last owner. Make somebody else an owner first.")


class NoSuchMember(LookupError):
    """Nobody who works here has that id, or not any more."""

    def __init__(self) -> None:
        super().__init__("Nobody who works here has this id.")


_REFUSALS = (Forbidden, LastOwner)


def may_give(by: Admitted, role: str) -> bool:
    return can_give(by.abilities, role)


def can_give(abilities: frozenset[str], role: str) -> bool:
    return "people.manage" in abilities and (role != OWNER or "owners.manage" in abilities)


def change_role(member: Membership, role: str, *, by: Admitted) -> None:
    """Keys that they minted and that can do more than the new role are revoked. Raises Forbidden, LastOwner, NoSuchMember."""
    with audit.deed("member.role_changed", member, refusals=_REFUSALS, role=[member.role, role]):
        held = _held(member)
        _require(by, held.role, role)
        if role != OWNER:
            _keep_an_owner(held)
        held.role = role
        held.save(update_fields=["role"])
        keyring.revoke_beyond(held.user_id, roles.of(role) | {"chats.ask"})


def remove(member: Membership, *, by: Admitted) -> None:
    """From now on they see nothing of this tenant; what they wrote keeps their name, the keys that they minted are
    revoked, and their open invitations hold no more. Everybody may remove themselves.

    Raises Forbidden, LastOwner, NoSuchMember."""
    with audit.deed("member.removed", member, refusals=_REFUSALS):
        held = _held(member)
        if not is_oneself(held, by):
            _require(by, held.role)
        _keep_an_owner(held)
        keyring.revoke_beyond(held.user_id, frozenset())
        held.delete()


def is_oneself(member: Membership, by: Admitted) -> bool:
    return by.actor.kind == "user" and by.actor.id == str(member.user_id)


def is_member(user: AbstractBaseUser) -> bool:
    return Membership.objects.filter(user_id=user.pk).exists()


def _require(by: Admitted, *roles: str) -> None:
    by.require("people.manage")
    if OWNER in roles:
        by.require("owners.manage")


def _held(member: Membership) -> Membership:
    """As it is now. All of the tenant's are locked, in one order, so that two owners who go at once cannot both be the last
    but one."""
    rows = Membership.objects.select_for_update(of=("self",)).select_related("user").order_by("id")
    found = next((one for one in rows if one.id == member.id), None)
    if found is None:
        raise NoSuchMember
    return found


def _keep_an_owner(member: Membership) -> None:
    is_owner = member.role == OWNER
    if is_owner and not Membership.objects.filter(role=OWNER).exclude(id=member.id).exists():
        raise LastOwner
