"""`suspend_tenant`: shut an organisation's people, programs and visitors out, within a second; what it has stays."""

from typing import Any

from apps.tenants import organisation
from apps.tenants.models import Tenant
from chatwithus.management.acting import TenantCommand


class Command(TenantCommand):
    help = __doc__

    def run(self, tenant: Tenant, **options: Any) -> str:
        organisation.suspend(tenant)
        return f"Suspended: {tenant}"
