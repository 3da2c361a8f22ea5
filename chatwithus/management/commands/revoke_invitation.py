"""`revoke_invitation`: a link that was passed on opens nothing any more."""

from typing import Any

from django.core.management.base import CommandError

from apps.tenants import invitations
from apps.tenants.models import Invitation, Tenant
from chatwithus.management.acting import TenantCommand


class Command(TenantCommand):
    help = __doc__

    def add_more(self, parser: Any) -> None:
        parser.add_argument("email", help="whom it invites")

    def run(self, tenant: Tenant, *, email: str, **options: Any) -> str:
        found = Invitation.objects.filter(email=email.strip().lower(), **invitations.OPEN).first()
        if found is None:
            raise CommandError(f"{tenant.slug} has no open invitation for {email}.")
        invitations.revoke(found)
        return f"Revoked: {found}"
