"""Admission at the doors: who stands there, which tenant they may enter, and what they may do in it.

Whoever was let in holds a ticket, by which the door is asked again: by watch.py while they are inside, and by `recheck` in the
transaction of each of their deeds."""

import hmac
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.contrib import auth
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.tenants import actors, cache, identity, keys, lookup, roles, scope, twofactor
from apps.tenants.actors import Actor
from apps.tenants.models import ApiKey, Tenant
from apps.tenants.postgres.prepared import Prepared, Table
from apps.tenants.sessions import SessionStore

# Asked with every request: see prepared.py.
_TENANTS, _KEYS = Table(Tenant), Table(ApiKey)
_ACTIVE = Prepared(
    f"SELECT {_TENANTS.columns('t')} FROM tenants_tenant t WHERE id = %(id)s AND suspended_at IS NULL"
)
_KEY = Prepared(
    f"SELECT {_KEYS.columns('k')} FROM tenants_apikey k WHERE tenant_id = %(tenant)s AND prefix = %(prefix)s"
)
_MEMBERSHIP = Prepared(
    "SELECT role FROM tenants_membership WHERE tenant_id = %(tenant)s AND user_id = %(user)s"
)


class Forbidden(PermissionError):
    """Whoever acts is let in, but may not do this; `ability` is one of roles.ABILITIES."""

    def __init__(self, ability: str) -> None:
        super().__init__(f"Your role does not include this: {roles.ABILITIES[ability].lower()}.")
        self.ability = ability


class NotAdmitted(PermissionError):
    """Whoever acts was let in, but would not be now."""

    def __init__(self) -> None:
        super().__init__("You are not admitted any more.")


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the door is to be asked again: `ask(*about)`. Tickets that are alike are asked once for all who hold them."""

    ask: Callable[..., "Admitted | None"]
    about: tuple[Hashable, ...]

    def again(self) -> "Admitted | None":
        """As whom they may stay, by the database; None where they may not."""
        return self.ask(*self.about)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A tenant that somebody was let into; as what: a membership's role, `operator`, `key`, or `visitor`; and what that may do.

    `until` (seconds since 1970) is when a visitor's token ends for good, and when a session or key has to be asked about again."""

    tenant: Tenant
    role: str
    abilities: frozenset[str]
    actor: Actor
    ticket: Ticket | None = None
    until: float | None = None

    def may(self, ability: str) -> bool:
        return ability in self.abilities

    def require(self, ability: str) -> None:
        """Raises Forbidden."""
        if not self.may(ability):
            raise Forbidden(ability)


_inside: ContextVar[Admitted | None] = ContextVar("admitted", default=None)


@contextmanager
def entered(admitted: Admitted | None) -> Iterator[None]:
    """Hold the tenant, the actor and the ticket that a door let in, or nobody's. For doors; never around a `yield` of an async
    generator."""
    if admitted is None:
        with scope.unscoped(), acting_for(None):
            yield
    else:
        with scope.scoped_to(admitted.tenant.id), actors.acting(admitted.actor), acting_for(admitted):
            yield


def current() -> Admitted | None:
    """Who is inside, on whose behalf this runs; None for the system itself."""
    return _inside.get()


def become(admitted: Admitted) -> None:
    """Go on as this one, until the door is left: somebody who is inside has said who they are."""
    _inside.set(admitted)


def recheck(ability: str) -> None:
    """For the transaction of a deed, before it: whether whoever is inside may still do it. Raises NotAdmitted, Forbidden."""
    admitted = _inside.get()
    if admitted is None or admitted.ticket is None:
        return
    now = admitted.ticket.again()
    if now is None or now.tenant.id != scope.current():
        raise NotAdmitted
    now.require(ability)


@contextmanager
def acting_for(admitted: Admitted | None) -> Iterator[None]:
    """Work on behalf of somebody who is inside, or of nobody; the scope is entered beside it."""
    token = _inside.set(admitted)
    try:
        yield
    finally:
        _inside.reset(token)


def by_key(secret: str) -> Admitted | None:
    """The tenant whose unrevoked API key this is. Reads the prefix past the wall, everything else inside."""
    if not keys.looks_like_one(secret):
        return None
    tenant = _active(lookup.tenant_of_key(keys.prefix(secret)))
    if tenant is None:
        return None
    with scope.scoped_to(tenant.id):
        row = _KEY.first(prefix=keys.prefix(secret))
        key = _KEYS.read(row) if row else None
        if key is None or not key.opens_with(secret):
            return None
        _note_use(key)
    return _program(tenant, key)


def _still_by_key(tenant_id: UUID, key_id: UUID) -> Admitted | None:
    tenant = _active(tenant_id)
    if tenant is None:
        return None
    with scope.scoped_to(tenant.id):
        key = ApiKey.objects.filter(id=key_id).first()
    return _program(tenant, key) if key is not None and key.is_valid else None


def _program(tenant: Tenant, key: ApiKey) -> Admitted:
    actor, ticket = Actor("key", str(key.id), key.name), Ticket(_still_by_key, (tenant.id, key.id))
    until = key.expires_at.timestamp() if key.expires_at else None
    return Admitted(tenant, "key", roles.of_key(key.scopes), actor, ticket, until)


def by_membership(user: AbstractBaseUser | AnonymousUser, tenant_id: UUID) -> Admitted | None:
    """The tenant, if this signed-in user works for it."""
    if not user.is_authenticated or not getattr(user, "is_active", False):
        return None
    tenant = _active(tenant_id)
    if tenant is None:
        return None
    with scope.scoped_to(tenant.id):
        membership = _MEMBERSHIP.first(user=user.pk)
    return _person(tenant, membership[0], user) if membership else None


def by_session(session_key: str, tenant_id: UUID) -> Admitted | None:
    """The same for whoever is signed in by this session, and has shown the second factor where one is asked for."""
    found = Session.objects.filter(session_key=session_key, expire_date__gt=timezone.now()).first()
    if found is None:
        return None
    session = SessionStore(session_key)
    user = auth.get_user(SimpleNamespace(session=session))  # type: ignore[arg-type]  # all that it reads of a request
    admitted = by_membership(user, tenant_id)
    if admitted is None or not twofactor.holds(session, user, admitted.tenant):
        return None
    ticket = Ticket(by_session, (session_key, tenant_id))
    return replace(admitted, ticket=ticket, until=found.expire_date.timestamp())


def by_operator(user: AbstractBaseUser | AnonymousUser, tenant_id: UUID) -> Admitted | None:
    """Any tenant, for the operator (a superuser) who explicitly entered it in the admin."""
    tenant = _active(tenant_id) if getattr(user, "is_superuser", False) and user.is_active else None
    return _person(tenant, "operator", user) if tenant else None


def by_agent(agent_id: UUID, *, origin: str | None) -> Admitted | None:
    """The tenant of a public agent id, if it lets pages of this origin embed its agents; as the cache knows it."""
    return _visitor(cache.tenant_of_agent(agent_id), agent_id, origin, "")


def still_by_agent(agent_id: UUID, origin: str | None, vouched_by: str = "") -> Admitted | None:
    """The same by the database, for a visitor whom the tenant has vouched for by this secret (identity.vouched_by), if it has."""
    return _visitor(cache.owner(agent_id), agent_id, origin, vouched_by)


def _visitor(tenant: Tenant | None, agent_id: UUID, origin: str | None, vouched_by: str) -> Admitted | None:
    if tenant is None or not tenant.admits_origin(origin):
        return None
    if vouched_by and not hmac.compare_digest(identity.vouched_by(tenant).encode(), vouched_by.encode()):
        return None
    ticket = Ticket(still_by_agent, (agent_id, origin, vouched_by))
    return Admitted(tenant, "visitor", roles.of("visitor"), Actor("visitor"), ticket)


def vouched(admitted: Admitted, vouched_by: str, until: float) -> Admitted:
    """A visitor who has said who they are: their token ends at `until`, and with the secret that vouched for them, if one did."""
    assert admitted.ticket is not None
    agent_id, origin, _ = admitted.ticket.about
    return replace(admitted, ticket=Ticket(still_by_agent, (agent_id, origin, vouched_by)), until=until)


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
    row = _ACTIVE.first(id=tenant_id) if tenant_id else None
    return _TENANTS.read(row) if row else None


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > timedelta(minutes=1):
        ApiKey.objects.filter(id=key.id).update(last_used_at=now)
