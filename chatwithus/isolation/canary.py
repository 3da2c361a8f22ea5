"""The two tenants of the proof: what each has, who comes for it, and how little stays of it.

They are the same two in every run, since nobody who serves may delete a tenant; between runs they are suspended and empty."""

import secrets
import time
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.db import DatabaseError, connections, transaction

from apps.agents.models import Agent
from apps.chats import visitors
from apps.tenants import access, roles, scope, valkey
from apps.tenants.middleware import OPERATOR_KEY, OPERATOR_UNTIL
from apps.tenants.middleware import SESSION_KEY as CHOSEN
from apps.tenants.models import ApiKey, Membership, Tenant
from chatwithus.isolation import planting
from chatwithus.isolation.browser import CSRF
from chatwithus.isolation.planting import Model, Rows

NAMES = ("canary-one", "canary-two")
MINUTES = 30
FEW = 8  # sets: pages that list many take longer, for nothing
DOORS = ("nobody", "visitor", "key", "session", "operator")


@dataclass
class Canary:
    """A tenant with one of everything. `marker` is in whatever it owns, `name` in what the operator's register says of it."""

    tenant: Tenant
    marker: str
    name: str
    user: Any = None
    operator: Any = None
    secrets: dict[str, str] = field(default_factory=dict)
    sets: list[Rows] = field(default_factory=list)
    ids: dict[str, Model] = field(default_factory=dict)
    pristine: dict[str, Any] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return str(self.tenant.allowed_origins[0])

    @property
    def rows(self) -> Rows:
        """The latest set."""
        return self.sets[-1]

    def scope(self) -> Any:
        return scope.scoped_to(self.tenant.id)

    def marks(self, door: str) -> list[str]:
        """What somebody else must not be shown through this door: the operator may read the register."""
        return [self.marker] if door == "operator" else [self.marker, self.name]

    def headers(self, door: str) -> dict[str, str]:
        """What whoever comes through this door brings along."""
        if door == "nobody":
            return {}
        if door == "scraper":
            token = {"cookie": f"csrftoken={CSRF}", "x-csrftoken": CSRF}
            return {"authorization": f"Bearer {settings.METRICS_TOKEN}", **token}
        if door in {"session", "operator"}:
            cookie = f"sessionid={self.secrets[door]}; csrftoken={CSRF}"
            return {"cookie": cookie, "x-csrftoken": CSRF, "origin": settings.PUBLIC_URL}
        origin = {"origin": self.origin} if door == "visitor" else {}
        return {"authorization": f"Bearer {self.secrets[door]}", **origin}

    def another_set(self) -> Rows:
        """Rows of every model, and a visitor whose chat is among them."""
        with self.scope():
            visitor = visitors.new(uuid4())
            user = _person(f"{self.name}-{secrets.token_hex(3)}")
            self.sets.append(planting.plant(self.marker, visitor.id, user, {Agent: visitor.agent_id}))
            self.secrets["visitor"] = visitors.issue(visitor)
        self.ids |= {str(row.pk): model for model, row in self.rows.items()}
        return self.rows

    def a_set_of_few(self) -> None:
        """One more, in place of all where there are more than a few."""
        if len(self.sets) < FEW:
            self.another_set()
        else:
            self.start_afresh(1)

    def start_afresh(self, sets: int) -> None:
        with self.scope():
            _empty()
        _forget(self.tenant)
        self.sets.clear()
        self.ids = {str(self.tenant.pk): Tenant}
        self.renew()
        for _ in range(sets):
            self.another_set()

    def renew(self) -> None:
        """Put back what one's own calls may have changed: the settings, the role, the key and the sessions."""
        with self.scope():
            if self._is_as_new():
                return
            Tenant.objects.filter(id=self.tenant.id).update(**self.pristine)
            Membership.objects.update_or_create(user=self.user, defaults={"role": Membership.Role.OWNER})
            _mint(self)
        self.sign_in()

    def _is_as_new(self) -> bool:
        sessions = import_module(settings.SESSION_ENGINE).SessionStore()
        return (
            all(
                self.secrets.get(door) and sessions.exists(self.secrets[door])
                for door in ("session", "operator")
            )
            and Tenant.objects.filter(id=self.tenant.id).values(*self.pristine).get() == self.pristine
            and Membership.objects.filter(user=self.user, role=Membership.Role.OWNER).exists()
            and access.by_key(self.secrets["key"]) is not None
            and get_user_model().objects.get(pk=self.user.pk).password == self.user.password
        )

    def sign_in(self) -> None:
        user, operator = (get_user_model().objects.get(pk=one.pk) for one in (self.user, self.operator))
        self.secrets["session"] = _session(user, {CHOSEN: str(self.tenant.id)})
        entered = {OPERATOR_KEY: str(self.tenant.id), OPERATOR_UNTIL: time.time() + 60 * MINUTES}
        self.secrets["operator"] = _session(operator, entered)


def open_one(slug: str) -> Canary:
    """Opened, empty but for its people and its key."""
    tenant, _ = Tenant.objects.get_or_create(slug=slug, defaults={"name": slug})
    clear(tenant)
    canary = Canary(tenant, f"{slug}.{secrets.token_hex(6)}", f"{slug}-{secrets.token_hex(4)}")
    fresh = Tenant(
        id=tenant.id,
        slug=slug,
        name="A canary: see manage.py prove_isolation",
        description=canary.name,
        allowed_origins=[f"https://{slug}.invalid"],
        created_at=tenant.created_at,
    )
    fresh.save(force_update=True)
    tenant.refresh_from_db()
    canary.pristine = {
        one.attname: getattr(tenant, one.attname)
        for one in Tenant._meta.concrete_fields
        if not one.primary_key
    }
    canary.user = _person(f"{canary.name}-owner")
    canary.operator = _person(f"{canary.name}-operator", is_staff=True, is_superuser=True)
    canary.renew()
    return canary


def clear(tenant: Tenant) -> None:
    """Take away all that a canary has, but for its audit log, which nobody can, and suspend it."""
    with scope.scoped_to(tenant.id):
        _empty()
        get_user_model().objects.filter(username__startswith=f"{tenant.slug}-").delete()
    _forget(tenant)
    Tenant.objects.filter(id=tenant.id).update(suspended_at=tenant.created_at, description="")


def _empty() -> None:
    for model in reversed(planting.owned_models()):
        alias = str(getattr(model, "database", "default"))
        try:
            with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
                cursor.execute(f"DELETE FROM {model._meta.db_table}")
        except DatabaseError:  # it grows only
            continue


def _forget(tenant: Tenant) -> None:
    try:
        client = valkey.blocking()
        for spelling in (tenant.id.hex, str(tenant.id)):
            for key in client.scan_iter(f"*{spelling}*", count=1000):
                client.delete(key)
    except valkey.Unreachable:
        return


def _person(username: str, **rights: bool) -> Any:
    """Somebody without a password, so that nobody can sign in as them."""
    user = get_user_model()(username=username, email=f"{username}@canary.invalid", **rights)
    user.set_unusable_password()
    user.save()
    return user


def _session(user: Any, chosen: dict[str, Any]) -> str:
    """What signing in would leave behind."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.update(chosen)
    session.set_expiry(60 * MINUTES)
    session.create()
    return str(session.session_key)


def _mint(canary: Canary) -> None:
    ApiKey.objects.filter(name="The proof").delete()
    _, canary.secrets["key"] = ApiKey.mint("The proof", sorted(roles.SCOPES))
