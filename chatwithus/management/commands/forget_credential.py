"""`forget_credential`: agents of this provider stop answering, unless it asks for nothing."""

from typing import Any

from django.core.management.base import CommandError

from apps.tenants import credentials
from apps.tenants.models import Credential, Tenant
from chatwithus.management.acting import TenantCommand


class Command(TenantCommand):
    help = __doc__

    def add_more(self, parser: Any) -> None:
        parser.add_argument("provider", choices=credentials.FIELDS)

    def run(self, tenant: Tenant, *, provider: str, **options: Any) -> str:
        found = Credential.objects.filter(provider=provider).first()
        if found is None:
            raise CommandError(f"{tenant.slug} keeps nothing for {provider}.")
        credentials.forget(found)
        return f"Forgotten: {provider}"
