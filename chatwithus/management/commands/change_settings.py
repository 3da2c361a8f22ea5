"""`change_settings`: some of an organisation's settings, as FIELD=VALUE: `allowed_origins="https://a.example https://b.example"`."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from apps.agents.providers import catalogue
from apps.tenants import organisation
from apps.tenants.models import Tenant
from chatwithus.management.acting import TenantCommand


class Command(TenantCommand):
    help = __doc__

    def add_more(self, parser: Any) -> None:
        parser.add_argument(
            "settings", nargs="+", metavar="FIELD=VALUE", help=", ".join(organisation.SETTINGS)
        )

    def run(self, tenant: Tenant, *, settings: list[str], **options: Any) -> str:
        wanted = dict(_read(one) for one in settings)
        unknown = set(wanted.get("providers", ())) - set(catalogue.PROVIDERS)
        if unknown:
            raise CommandError(f"providers: choose from {', '.join(sorted(catalogue.PROVIDERS))}.")
        try:
            organisation.change(**wanted)
        except organisation.BadSetting as error:
            raise CommandError(f"{error.field}: {error}") from None
        return f"Changed: {', '.join(sorted(wanted))}"


def _read(said: str) -> tuple[str, Any]:
    field, equals, value = said.partition("=")
    if not equals or field not in organisation.SETTINGS:
        raise CommandError(f"{said!r} is not FIELD=VALUE. Fields: {', '.join(organisation.SETTINGS)}.")
    try:
        return field, _KINDS.get(field, str)(value)
    except ValueError:
        raise CommandError(f"{field} cannot be {value!r}.") from None


def _words(value: str) -> list[str]:
    return value.replace(",", " ").split()


def _number_or_none(value: str) -> int | None:
    return int(value) if value else None


def _flag(value: str) -> bool:
    return {"true": True, "false": False}[value] if value in {"true", "false"} else bool(int(value))


_KINDS: dict[str, Callable[[str], Any]] = {
    "allowed_origins": _words,
    "providers": _words,
    "allowed_models": _words,
    "retention_days": _number_or_none,
    "idle_minutes": int,
    "requires_two_factor": _flag,
}
