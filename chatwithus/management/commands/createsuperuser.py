"""`createsuperuser`: Django's, and a line in every organisation's log, since an operator may enter each."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.management.commands import createsuperuser
from django.db import transaction

from apps.tenants import audit
from chatwithus.management.acting import acting


class Command(createsuperuser.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        operators = get_user_model().objects.filter(is_superuser=True)
        with acting(), transaction.atomic():
            known = set(operators.values_list("pk", flat=True))
            super().handle(*args, **options)
            for made in operators.exclude(pk__in=known):
                audit.note_everywhere("operator.made", made)
