"""A tenant's own settings: opened, changed, suspended and resumed; each change is written down with what held before."""

import re
import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.tenants import audit, origins, scope, sealing
from apps.tenants.models import Credential, Tenant
from apps.tenants.postgres.prepared import Prepared, Table

SETTINGS = (
    "name",
    "description",
    "locale",
    "allowed_origins",
    "retention_days",
    "idle_minutes",
    "requires_two_factor",
    "providers",
    "allowed_models",
)
LONGEST_IDLE, LONGEST_RETENTION = 10080, 36500
_TENANTS = Table(Tenant)
_CURRENT = Prepared(f"SELECT {_TENANTS.columns('t')} FROM tenants_tenant t WHERE id = %(tenant)s")
_LOCALE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,2}")


class BadSetting(ValueError):
    """This cannot hold; `field` is one of SETTINGS."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def open_one(slug: str, name: str) -> Tenant:
    """A new tenant, which nobody works for yet, and whose agents may think where the operator has new ones think."""
    given = settings.DEFAULT_MIND.partition(":")[0]
    with transaction.atomic():
        tenant = Tenant(slug=slug, name=name)
        tenant.providers = list(dict.fromkeys([*tenant.providers, given]))
        tenant.save()
        with scope.scoped_to(tenant.id):
            audit.note("organisation.opened", tenant, slug=slug)
    return tenant


def current() -> Tenant:
    return asked()()


def asked() -> Callable[[], Tenant]:
    """The same, to be read later: among statements that are sent `together`."""
    cursor = _CURRENT.asked()

    def read() -> Tenant:
        row = cursor.fetchone()
        if row is None:
            raise Tenant.DoesNotExist
        return _TENANTS.read(row)

    return read


def change(**settings: Any) -> Tenant:
    """Set some of SETTINGS for the tenant in scope. Raises BadSetting."""
    assert set(settings) <= set(SETTINGS), settings
    wanted = {field: _checked(field, value) for field, value in settings.items()}
    with transaction.atomic():
        tenant = Tenant.objects.select_for_update(no_key=True).get(id=scope.current())
        changed = {field: value for field, value in wanted.items() if getattr(tenant, field) != value}
        if changed:
            audit.note("organisation.changed", tenant, **_facts(tenant, changed))
            for field, value in changed.items():
                setattr(tenant, field, value)
            tenant.save(update_fields=list(changed))
    return tenant


def rotate_identity_secret() -> str:
    """A new secret, which nobody can be shown again; identities signed with the one before are refused at once."""
    secret = secrets.token_urlsafe(48)
    tenant = current()
    with audit.deed("identity_secret.rotated", tenant):
        tenant.keep_identity_secret(secret)
    return secret


def forget_identity_secret() -> None:
    """From now on every visitor is anonymous."""
    tenant = current()
    with audit.deed("identity_secret.forgotten", tenant):
        tenant.keep_identity_secret("")


def suspend(tenant: Tenant) -> None:
    """Nobody gets in any more, and whoever is in is out within a second. Its data stays."""
    _suspend(tenant, "organisation.suspended", timezone.now())


def resume(tenant: Tenant) -> None:
    _suspend(tenant, "organisation.resumed", None)


def reseal() -> tuple[int, list[str]]:
    """Every stored secret of the tenant in scope, under the newest key: how many, and the names of those that no key opens.

    Each is one compare-and-set, so that a secret that is replaced meanwhile stays replaced."""
    held: list[tuple[Any, str, Any, str, str]] = [
        (Tenant, "sealed_identity_secret", one.id, "identity secret", one.sealed_identity_secret)
        for one in Tenant.objects.filter(id=scope.current()).exclude(sealed_identity_secret="")
    ]
    held.extend((Credential, "sealed", one.id, str(one), one.sealed) for one in Credential.objects.all())
    lost = []
    with transaction.atomic():
        for model, field, pk, name, sealed in held:
            try:
                model.objects.filter(**{"id": pk, field: sealed}).update(**{field: sealing.reseal(sealed)})
            except sealing.Unsealable:
                lost.append(name)
        if held:
            audit.note("secrets.resealed", current(), done=len(held) - len(lost), lost=lost)
    return len(held) - len(lost), lost


def _suspend(tenant: Tenant, action: str, at: Any) -> None:
    with scope.scoped_to(tenant.id), audit.deed(action, tenant):
        tenant.suspended_at = at
        tenant.save(update_fields=["suspended_at"])


def _facts(tenant: Tenant, changed: dict[str, Any]) -> dict[str, Any]:
    return {field: [getattr(tenant, field), value] for field, value in changed.items()}


def _checked(field: str, value: Any) -> Any:
    check = _CHECKS.get(field)
    return check(value) if check else value


def _name(value: str) -> str:
    if not value.strip() or len(value) > 120 or "\0" in value:
        raise BadSetting("Enter a name of 1 to 120 characters.", "name")
    return value.strip()


def _description(value: str) -> str:
    if len(value) > 2000 or "\0" in value:
        raise BadSetting("Shorten it to 2000 characters.", "description")
    return value.strip()


def _locale(value: str) -> str:
    if len(value) > 16 or not _LOCALE.fullmatch(value):
        raise BadSetting("Write a language as BCP 47 does, such as en or pt-BR.", "locale")
    return value


def _idle(value: int) -> int:
    if not 1 <= value <= LONGEST_IDLE:
        raise BadSetting(f"Enter a whole number of minutes, from 1 to {LONGEST_IDLE}.", "idle_minutes")
    return value


def _retention(value: int | None) -> int | None:
    if value is not None and not 1 <= value <= LONGEST_RETENTION:
        raise BadSetting(f"Enter a whole number of days, from 1 to {LONGEST_RETENTION}.", "retention_days")
    return value


def _origins(value: list[str]) -> list[str]:
    try:
        found = origins.parse_all([one for one in value if one.strip()])
    except origins.BadOrigin as error:
        raise BadSetting(str(error), "allowed_origins") from error
    if len(found) > 100:
        raise BadSetting("Name at most 100 origins.", "allowed_origins")
    return found


def _providers(value: list[str]) -> list[str]:
    if any(len(one) > 20 or not one.isprintable() for one in value):
        raise BadSetting("There is no such provider.", "providers")
    return sorted(set(value))


def _models(value: list[str]) -> list[str]:
    found = list(dict.fromkeys(one.strip() for one in value if one.strip()))
    wrong = [one for one in found if len(one) > 200 or ":" not in one or not one.isprintable()]
    if wrong or len(found) > 100:
        raise BadSetting("Write provider:model, such as ollama:llama3.2 or bedrock:*.", "allowed_models")
    return found


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": _name,
    "description": _description,
    "locale": _locale,
    "allowed_origins": _origins,
    "retention_days": _retention,
    "idle_minutes": _idle,
    "providers": _providers,
    "allowed_models": _models,
}
