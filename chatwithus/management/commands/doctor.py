"""`doctor`, as a command of Django's; `manage.py` itself goes straight to `chatwithus.doctor`, which needs no settings."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from chatwithus.doctor import program


class Command(BaseCommand):
    help = program.WHAT
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        program.add_arguments(parser)

    def handle(self, *args: Any, as_json: bool, **options: Any) -> None:
        if status := program.run(self.stdout, as_json=as_json):
            sys.exit(status)
