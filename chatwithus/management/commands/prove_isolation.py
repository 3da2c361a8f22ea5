"""`prove_isolation`: two canary tenants try every door of this installation for each other's data; 1 where anything leaks or is untried."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--door",
            action="append",
            help="only this one: routes, frames, tasks, tables or cache; may be repeated",
        )
        parser.add_argument(
            "--matching", default="", help="only routes, frames, tasks and tables whose name has this in it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from chatwithus.isolation import proof  # loads the ASGI application, which no other command needs

        try:
            tally = proof.Proof(
                self._say, doors=options["door"] or proof.DOORS, matching=options["matching"]
            ).run()
        except proof.UnderWay as error:
            raise CommandError(str(error)) from error
        for line in tally.report():
            self._say(line)
        if not tally.is_proven:
            sys.exit(1)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
