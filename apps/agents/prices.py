"""What models cost: by the operator's table, and where nothing in it fits, by the setting PRICES."""

from collections.abc import Sequence
from decimal import Decimal
from fnmatch import fnmatchcase

from django.conf import settings
from django.db import transaction

from apps.agents.models import Price
from apps.agents.providers.base import Usage
from apps.tenants import audit
from apps.tenants.postgres.prepared import Prepared

_MILLION = 1_000_000
Pair = tuple[Decimal, Decimal]
Row = tuple[str, Decimal, Decimal]


def table() -> list[Row]:
    """All that the operator keeps, to be read once for many calls: pattern, and what a million tokens cost in and out."""
    return [(pattern, into, out) for pattern, into, out in _ALL.rows()]


def cost(provider: str, model: str, usage: Usage, kept: Sequence[Row]) -> Decimal:
    """By this table; nothing where no price fits."""
    into, out = _of(f"{provider}:{model}", kept)
    return ((usage.input_tokens * into + usage.output_tokens * out) / _MILLION).quantize(Decimal("0.000001"))


def keep(pattern: str, *, into: Decimal, out: Decimal) -> Price:
    """In place of the one for the same pattern; calls that were counted keep what they cost then."""
    with transaction.atomic():
        kept, _ = Price.objects.update_or_create(pattern=pattern, defaults={"input": into, "output": out})
        tell("price.set", kept)
    return kept


def tell(action: str, price: Price) -> None:
    """Whose budget it changes reads of it in its audit log. To be called in the transaction that keeps it."""
    facts = {"pattern": price.pattern, "input": str(price.input), "output": str(price.output)}
    audit.note_everywhere(action, price, **facts)


def _of(name: str, kept: Sequence[Row]) -> Pair:
    fitting = [row for row in kept if fnmatchcase(name, row[0])]
    if fitting:
        _, into, out = max(fitting, key=lambda row: len(row[0]))
        return into, out
    seeds = (pair for pattern, pair in settings.PRICES.items() if fnmatchcase(name, pattern))
    return next(seeds, (Decimal(0), Decimal(0)))


_ALL = Prepared("SELECT pattern, input, output FROM agents_price")
