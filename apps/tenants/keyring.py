"""A tenant's API keys: minted, with no more rights than whoever mints them, and revoked; both written down."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import transaction
from django.utils import timezone

from apps.tenants import audit, roles
from apps.tenants.access import Admitted, Forbidden
from apps.tenants.models import ApiKey


class BadKey(ValueError):
    """What was asked for is no key; `field` says which part of it."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def mint(
    name: str, scopes: Iterable[str], expires_at: datetime | None = None, *, by: Admitted | None = None
) -> tuple[ApiKey, str]:
    """A new key, and its secret, which nobody can be shown again. Without `by` it is the operator's command.

    Raises BadKey, also where it would outlive a key that makes it, and Forbidden where it could do more than its maker."""
    wanted = _checked(name, scopes, expires_at)
    if by is not None:
        _require(by, name, wanted)
        expires_at = _in_time(expires_at, by)
    with transaction.atomic():
        key, secret = ApiKey.mint(name.strip(), wanted, expires_at, person_behind(by))
        audit.note(
            "key.minted", key, scopes=wanted, expires_at=expires_at.isoformat() if expires_at else None
        )
    return key, secret


def person_behind(by: Admitted | None) -> int | None:
    """Whoever acts, or minted the key that does; nobody behind the operator's commands and the keys that these made."""
    if by is not None and by.actor.kind == "key":
        return ApiKey.objects.values_list("minted_by_id", flat=True).get(id=by.actor.id)
    return int(by.actor.id) if by is not None and by.actor.kind == "user" else None


def may_mint(by: Admitted, scope: str) -> bool:
    return not _beyond(by, [scope])


def revoke(key: ApiKey) -> None:
    """It opens nothing from now on, and what it holds open closes within a second."""
    with audit.deed("key.revoked", key):
        key.revoke()


def revoke_beyond(user_id: int, kept: frozenset[str]) -> None:
    """Whatever this person minted that can do more than what is left to them."""
    for key in ApiKey.objects.filter(minted_by_id=user_id, revoked_at=None).order_by("id"):
        if not roles.of_key(key.scopes) <= kept:
            revoke(key)


def _checked(name: str, scopes: Iterable[str], expires_at: datetime | None) -> list[str]:
    wanted = sorted(set(scopes))
    if not name.strip() or not name.isprintable():
        raise BadKey("Give the key a name by which you will know it.", "name")
    if not wanted or not set(wanted) <= set(roles.SCOPES):
        raise BadKey(f"Choose from {', '.join(roles.SCOPES)}.", "scopes")
    if expires_at is not None and expires_at <= timezone.now():
        raise BadKey("This is in the past.", "expires_at")
    return wanted


def _require(by: Admitted, name: str, scopes: list[str]) -> None:
    try:
        by.require("keys.manage")
        for ability in _beyond(by, scopes):
            by.require(ability)
    except Forbidden as error:
        audit.note("key.minted", outcome=audit.REFUSED, name=name, scopes=scopes, reason=str(error))
        raise


def _in_time(expires_at: datetime | None, by: Admitted) -> datetime | None:
    """No key outlives the key that makes it; where nothing is said, they end together. Raises BadKey."""
    if by.actor.kind != "key" or by.until is None:
        return expires_at
    last = datetime.fromtimestamp(by.until, UTC)
    if expires_at is not None and expires_at > last:
        raise BadKey(
            f"The key that makes it expires on {last:%Y-%m-%d %H:%M} UTC. It cannot live longer.",
            "expires_at",
        )
    return expires_at or last


def _beyond(by: Admitted, scopes: list[str]) -> list[str]:
    """What a key of these scopes could do and its maker cannot; asking agents is what keys are for."""
    return sorted(roles.of_key(scopes) - by.abilities - {"chats.ask"})
