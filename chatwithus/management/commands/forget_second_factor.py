"""`forget_second_factor`: for somebody who lost phone and recovery codes; their password alone signs them in, until they set up anew."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.tenants import audit, twofactor
from chatwithus.management.acting import acting


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("user", metavar="USER", help="what they sign in with")

    def handle(self, *args: Any, user: str, **options: Any) -> str:
        found = get_user_model().objects.filter(username=user).first()
        if found is None:
            raise CommandError(f"Nobody signs in as {user}.")
        with acting(), transaction.atomic():
            twofactor.forget(found)
            audit.note_of_person(found, "second_factor.forgotten")
        return f"Forgotten: the second factor of {user}"
