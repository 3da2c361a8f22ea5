"""`calibrate`: find out how sure an agent must be to answer, with its own knowledge, and let it be so."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from apps.knowledge import calibration
from apps.tenants import lookup, scope
from chatwithus.management.acting import acting


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("agent", type=UUID, metavar="AGENT", help="the agent's id, as on its page")

    def handle(self, *args: Any, agent: UUID, **options: Any) -> str:
        tenant_id = lookup.tenant_of_agent(agent)
        if tenant_id is None:
            raise CommandError(f"There is no agent with the id {agent}.")
        try:
            with acting(), scope.scoped_to(tenant_id):
                found = calibration.calibrate(agent)
        except calibration.TooLittle as error:
            raise CommandError(str(error)) from None
        return (
            f"It answers from a score of {found.threshold:.3f} on: {found.kept:.0%} of questions about its knowledge, and not"
            f" {found.refused:.0%} of those about anything else ({found.passages} passages)."
        )
