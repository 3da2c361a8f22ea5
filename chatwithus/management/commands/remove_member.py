"""`remove_member`: somebody works for an organisation no more; what they wrote keeps their name. The last owner stays."""

from typing import Any

from django.core.management.base import CommandError

from apps.tenants import members
from apps.tenants.models import Tenant
from chatwithus.management.acting import TenantCommand, member_of, operator


class Command(TenantCommand):
    help = __doc__

    def add_more(self, parser: Any) -> None:
        parser.add_argument("user", help="what they sign in with")

    def run(self, tenant: Tenant, *, user: str, **options: Any) -> str:
        try:
            members.remove(member_of(tenant, user), by=operator(tenant))
        except members.LastOwner as error:
            raise CommandError(str(error)) from None
        return f"Removed: {user}"
