"""`make_identity_secret`: what an organisation's server signs its visitors' identities with; printed once, in place of the one before."""

from typing import Any

from apps.tenants import organisation
from apps.tenants.models import Tenant
from chatwithus.management.acting import TenantCommand


class Command(TenantCommand):
    help = __doc__

    def add_more(self, parser: Any) -> None:
        parser.add_argument(
            "--forget", action="store_true", help="make none: every visitor is anonymous from now on"
        )

    def run(self, tenant: Tenant, *, forget: bool, **options: Any) -> str:
        if not forget:
            return organisation.rotate_identity_secret()
        organisation.forget_identity_secret()
        return f"Forgotten: the identity secret of {tenant}"
