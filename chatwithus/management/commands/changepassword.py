"""`changepassword`: Django's, and a line in the log of every organisation that this person works for, since whoever sets a password
can come in by it."""

import getpass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.management.commands import changepassword
from django.db import transaction

from apps.tenants import audit
from chatwithus.management.acting import acting


class Command(changepassword.Command):
    def handle(self, *args: Any, **options: Any) -> str:
        username = options["username"] or getpass.getuser()
        with acting(), transaction.atomic():
            told = super().handle(*args, **options | {"username": username})
            audit.note_of_person(get_user_model().objects.get(username=username), "password.set")
        return str(told)
