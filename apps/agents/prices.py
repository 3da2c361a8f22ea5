"""What models cost: by the operator's table, and where nothing in it fits, by the setting PRICES."""

from decimal import Decimal
from fnmatch import fnmatchcase

from django.conf import settings

from apps.agents.models import Price
from apps.agents.providers.base import Usage

_MILLION = 1_000_000
Pair = tuple[Decimal, Decimal]


def cost(provider: str, model: str, usage: Usage) -> Decimal:
    """Nothing where no price fits."""
    into, out = _of(f"{provider}:{model}")
    return ((usage.input_tokens * into + usage.output_tokens * out) / _MILLION).quantize(Decimal("0.000001"))


def keep(pattern: str, *, into: Decimal, out: Decimal) -> Price:
    """In place of the one for the same pattern; calls that were counted keep what they cost then."""
    return Price.objects.update_or_create(pattern=pattern, defaults={"input": into, "output": out})[0]


def _of(name: str) -> Pair:
    kept = Price.objects.values_list("pattern", "input", "output")
    fitting = [row for row in kept if fnmatchcase(name, row[0])]
    if fitting:
        _, into, out = max(fitting, key=lambda row: len(row[0]))
        return into, out
    seeds = (pair for pattern, pair in settings.PRICES.items() if fnmatchcase(name, pattern))
    return next(seeds, (Decimal(0), Decimal(0)))
