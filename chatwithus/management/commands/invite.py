"""`invite`: the link by which somebody comes to work for an organisation."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.core.validators import validate_email

from apps.tenants import invitations
from apps.tenants.models import Membership, Tenant
from chatwithus.management.acting import TenantCommand


class Command(TenantCommand):
    help = __doc__

    def add_more(self, parser: Any) -> None:
        parser.add_argument("email", help="whom; they sign in with it")
        parser.add_argument("--role", choices=Membership.Role.values, default=Membership.Role.STAFF)

    def run(self, tenant: Tenant, *, email: str, role: str, **options: Any) -> str:
        try:
            validate_email(email)
            return invitations.invite(email, role)[1]
        except (ValidationError, invitations.AlreadyMember) as error:
            raise CommandError(getattr(error, "message", None) or str(error)) from None
