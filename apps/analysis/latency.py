"""Latencies as a histogram with fixed bounds, so that hours can be added up and a percentile still be read."""

from collections.abc import Iterable, Sequence
from itertools import accumulate

BOUNDS = tuple(round(10 * 1.25**step) for step in range(40))  # milliseconds: 10 ms to about 60 s, 25 % apart


def histogram(milliseconds: Iterable[int]) -> list[int]:
    counts = [0] * (len(BOUNDS) + 1)
    for value in milliseconds:
        counts[next((place for place, bound in enumerate(BOUNDS) if value <= bound), len(BOUNDS))] += 1
    return counts


def added(histograms: Iterable[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*histograms, strict=True)]


def percentile(counts: Sequence[int], share: float) -> int | None:
    """The value below which `share` of the observations lie, interpolated inside its bucket; None without any."""
    total = sum(counts)
    if not total:
        return None
    rank = share * total
    for place, reached in enumerate(accumulate(counts)):
        if reached >= rank:
            return _inside(place, counts[place], reached - rank)
    return BOUNDS[-1]


def _inside(place: int, count: int, above: float) -> int:
    high = BOUNDS[min(place, len(BOUNDS) - 1)]
    low = BOUNDS[place - 1] if place else 0
    return round(high - (high - low) * above / count) if count else high
