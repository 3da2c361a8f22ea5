"""`change_role`: what somebody who works for an organisation may do there. The last owner stays one."""

from typing import Any

from django.core.management.base import CommandError

from apps.tenants import members
from apps.tenants.models import Membership, Tenant
from chatwithus.management.acting import TenantCommand, member_of, operator


class Command(TenantCommand):
    help = __doc__

    def add_more(self, parser: Any) -> None:
        parser.add_argument("user", help="what they sign in with")
        parser.add_argument("role", choices=Membership.Role.values)

    def run(self, tenant: Tenant, *, user: str, role: str, **options: Any) -> str:
        try:
            members.change_role(member_of(tenant, user), role, by=operator(tenant))
        except members.LastOwner as error:
            raise CommandError(str(error)) from None
        return f"{user} is {role} now"
