"""`revoke_key`: an API key, named by how it begins, opens nothing from now on."""

from typing import Any

from django.core.management.base import CommandError

from apps.tenants import keyring, keys
from apps.tenants.models import ApiKey, Tenant
from chatwithus.management.acting import TenantCommand


class Command(TenantCommand):
    help = __doc__

    def add_more(self, parser: Any) -> None:
        parser.add_argument("key", help="its first 16 characters, as lists show them, or all of it")

    def run(self, tenant: Tenant, *, key: str, **options: Any) -> str:
        found = ApiKey.objects.filter(prefix=keys.prefix(key), revoked_at=None).first()
        if found is None:
            raise CommandError(f"{tenant.slug} has no unrevoked key that begins like this.")
        keyring.revoke(found)
        return f"Revoked: {found}"
