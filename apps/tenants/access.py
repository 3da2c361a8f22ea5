"""Admission at the doors: who stands there, which tenant they may enter, and what they may do in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils import timezone

from apps.tenants import actors, keys, lookup, roles, scope
from apps.tenants.actors import Actor
from apps.tenants.models import ApiKey, Membership, Tenant


class Forbidden(PermissionError):
    """Whoever acts is let in, but may not do this; `ability` is one of roles.ABILITIES."""

    def __init__(self, ability: str) -> None:
        super().__init__(f"Your role does not include this: {roles.ABILITIES[ability].lower()}.")
        self.ability = ability


@dataclass(frozen=True, slots=True)
class Admitted:
    """A tenant that somebody was let into; as what: a membership's role, `operator`, `key`, or `visitor`; and what that may do."""

    tenant: Tenant
    role: str
    abilities: frozenset[str]
    actor: Actor

    def may(self, ability: str) -> bool:
        return ability in self.abilities

    def require(self, ability: str) -> None:
        """Raises Forbidden."""
        if not self.may(ability):
            raise Forbidden(ability)


@contextmanager
def entered(admitted: Admitted | None) -> Iterator[None]:
    """Hold the tenant and the actor that a door let in, or nobody's. For doors; never around a `yield` of an async generator."""
    if admitted is None:
        with scope.unscoped():
            yield
    else:
        with scope.scoped_to(admitted.tenant.id), actors.acting(admitted.actor):
            yield


def by_key(secret: str) -> Admitted | None:
    """The tenant whose unrevoked API key this is. Reads the prefix past the wall, everything else inside."""
    if not keys.looks_like_one(secret):
        return None
    tenant = _active(lookup.tenant_of_key(keys.prefix(secret)))
    if tenant is None:
        return None
    with scope.scoped_to(tenant.id):
        key = ApiKey.objects.filter(prefix=keys.prefix(secret)).first()
        if key is None or not key.opens_with(secret):
            return None
        _note_use(key)
    return Admitted(tenant, "key", roles.of_key(key.scopes), Actor("key", str(key.id), key.name))


def by_membership(user: AbstractBaseUser | AnonymousUser, tenant_id: UUID) -> Admitted | None:
    """The tenant, if this signed-in user works for it."""
    if not user.is_authenticated or not getattr(user, "is_active", False):
        return None
    tenant = _active(tenant_id)
    if tenant is None:
        return None
    with scope.scoped_to(tenant.id):
        membership = Membership.objects.filter(user_id=user.pk).first()
    return _person(tenant, membership.role, user) if membership else None


def by_operator(user: AbstractBaseUser | AnonymousUser, tenant_id: UUID) -> Admitted | None:
    """Any tenant, for the operator (a superuser) who explicitly entered it in the admin."""
    tenant = _active(tenant_id) if getattr(user, "is_superuser", False) and user.is_active else None
    return _person(tenant, "operator", user) if tenant else None


def by_agent(agent_id: UUID, *, origin: str | None) -> Admitted | None:
    """The tenant of a public agent id, if it lets pages of this origin embed its agents."""
    tenant = _active(lookup.tenant_of_agent(agent_id))
    if tenant is None or not tenant.admits_origin(origin):
        return None
    return Admitted(tenant, "visitor", roles.of("visitor"), Actor("visitor"))


def tenants_of(user: AbstractBaseUser | AnonymousUser) -> list[Tenant]:
    """The active tenants a user works for, by name."""
    if not user.is_authenticated:
        return []
    ids = lookup.tenants_of_user(user.pk)
    return list(Tenant.objects.filter(id__in=ids, suspended_at=None).order_by("name"))


def _person(tenant: Tenant, role: str, user: Any) -> Admitted:
    kind = "operator" if role == "operator" else "user"
    return Admitted(tenant, role, roles.of(role), Actor(kind, str(user.pk), user.get_username()))


def _active(tenant_id: UUID | None) -> Tenant | None:
    return Tenant.objects.filter(id=tenant_id, suspended_at=None).first() if tenant_id else None


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > timedelta(minutes=1):
        ApiKey.objects.filter(id=key.id).update(last_used_at=now)
