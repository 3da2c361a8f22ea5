"""`open_tenant`: a new organisation, and the link by which its first owner comes in."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email, validate_slug
from django.db import transaction

from apps.tenants import invitations, organisation, scope
from apps.tenants.members import OWNER
from apps.tenants.models import Tenant
from chatwithus.management.acting import acting


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("slug", help="its short name, for commands: letters, digits and hyphens")
        parser.add_argument("--name", help="its name, for people; the slug by default")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="who is to own it")

    def handle(self, *args: Any, slug: str, name: str | None, owner: str, **options: Any) -> str:
        try:
            validate_slug(slug)
            validate_email(owner)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from None
        if Tenant.objects.filter(slug=slug).exists():
            raise CommandError(f"There is a tenant called {slug} already.")
        with acting(), transaction.atomic():
            tenant = organisation.open_one(slug, name or slug)
            with scope.scoped_to(tenant.id):
                _, link = invitations.invite(owner, OWNER)
        return f"{tenant.id}\n{link}"
