"""`resume_tenant`: let a suspended organisation in again."""

from typing import Any

from apps.tenants import organisation
from apps.tenants.models import Tenant
from chatwithus.management.acting import TenantCommand


class Command(TenantCommand):
    help = __doc__

    def run(self, tenant: Tenant, **options: Any) -> str:
        organisation.resume(tenant)
        return f"Let in again: {tenant}"
