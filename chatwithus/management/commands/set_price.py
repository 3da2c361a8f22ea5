"""`set_price`: what a million tokens of a model cost, from now on; what was counted before keeps its price."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.agents import prices
from chatwithus.management.acting import acting

MOST = Decimal(10**8)


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("pattern", help="provider:model, such as 'openai:gpt-4o*'")
        parser.add_argument("input", help="of a million tokens that go in")
        parser.add_argument("output", help="of a million tokens that come out")

    def handle(self, *args: Any, pattern: str, input: str, output: str, **options: Any) -> str:
        if not pattern or len(pattern) > 141:
            raise CommandError("Write provider:model, such as openai:gpt-4o*, in at most 141 characters.")
        with acting():
            kept = prices.keep(pattern, into=_amount(input), out=_amount(output))
        return f"{kept.pattern}: {kept.input} in, {kept.output} out"


def _amount(said: str) -> Decimal:
    try:
        amount = Decimal(said)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or not 0 <= amount < MOST:
        raise CommandError(f"Write an amount such as 2.50, not {said!r}.")
    return amount
