"""`mint_key`: a new API key of an organisation; its secret is printed, and shown nowhere again."""

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from apps.tenants import keyring, roles
from apps.tenants.models import Tenant
from chatwithus.management.acting import TenantCommand


class Command(TenantCommand):
    help = __doc__

    def add_more(self, parser: Any) -> None:
        parser.add_argument("name", help="what it is for")
        parser.add_argument(
            "--scope",
            action="append",
            choices=roles.SCOPES,
            dest="scopes",
            help="may be repeated; chat by default",
        )
        parser.add_argument("--days", type=int, help="how long it holds; for ever by default")

    def run(
        self, tenant: Tenant, *, name: str, scopes: list[str] | None, days: int | None, **options: Any
    ) -> str:
        expires_at = timezone.now() + timedelta(days=days) if days is not None else None
        try:
            return keyring.mint(name, scopes or ["chat"], expires_at)[1]
        except keyring.BadKey as error:
            raise CommandError(f"{error.field}: {error}") from None
