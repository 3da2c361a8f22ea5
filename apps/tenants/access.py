"""Admission at the doors: who stands there, which tenant they may enter, and what they may do in it."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils import timezone

from apps.tenants import keys, lookup, scope
from apps.tenants.models import ApiKey, Membership, Tenant


@dataclass(frozen=True, slots=True)
class Admitted:
    """A tenant that somebody was let into, and as what: a membership's role, `key`, or `visitor`."""

    tenant: Tenant
    role: str


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
    return Admitted(tenant, "key")


def by_membership(user: AbstractBaseUser | AnonymousUser, tenant_id: UUID) -> Admitted | None:
    """The tenant, if this signed-in user works for it."""
    if not user.is_authenticated or not getattr(user, "is_active", False):
        return None
    tenant = _active(tenant_id)
    if tenant is None:
        return None
    with scope.scoped_to(tenant.id):
        membership = Membership.objects.filter(user_id=user.pk).first()
    return Admitted(tenant, membership.role) if membership else None


def by_operator(user: AbstractBaseUser | AnonymousUser, tenant_id: UUID) -> Admitted | None:
    """Any tenant, for the operator (a superuser) who explicitly entered it in the admin."""
    tenant = _active(tenant_id) if getattr(user, "is_superuser", False) and user.is_active else None
    return Admitted(tenant, "operator") if tenant else None


def by_agent(agent_id: UUID, *, origin: str | None) -> Admitted | None:
    """The tenant of a public agent id, if it lets pages of this origin embed its agents."""
    tenant = _active(lookup.tenant_of_agent(agent_id))
    return Admitted(tenant, "visitor") if tenant and tenant.admits_origin(origin) else None


def tenants_of(user: AbstractBaseUser | AnonymousUser) -> list[Tenant]:
    """The active tenants a user works for, by name."""
    if not user.is_authenticated:
        return []
    ids = lookup.tenants_of_user(user.pk)
    return list(Tenant.objects.filter(id__in=ids, suspended_at=None).order_by("name"))


def _active(tenant_id: UUID | None) -> Tenant | None:
    return Tenant.objects.filter(id=tenant_id, suspended_at=None).first() if tenant_id else None


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > timedelta(minutes=1):
        ApiKey.objects.filter(id=key.id).update(last_used_at=now)
