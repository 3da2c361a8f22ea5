import random

import pytest

from apps.analysis import latency


def test_nothing_observed_has_no_percentile() -> None:
    assert latency.percentile(latency.histogram([]), 0.5) is None
    assert latency.percentile(latency.added([]), 0.5) is None


def test_a_single_value_is_found_within_its_bucket() -> None:
    assert latency.percentile(latency.histogram([100]), 0.5) == pytest.approx(100, rel=0.25)


def test_the_median_of_many_is_within_a_bucket_of_the_true_one() -> None:
    values = sorted(random.Random(7).randint(5, 5000) for _ in range(1001))
    assert latency.percentile(latency.histogram(values), 0.5) == pytest.approx(values[500], rel=0.25)


def test_hours_add_up() -> None:
    morning, evening = [20, 30, 40], [50, 900]
    together = latency.added([latency.histogram(morning), latency.histogram(evening)])
    assert together == latency.histogram(morning + evening)


def test_the_slowest_is_not_lost() -> None:
    assert sum(latency.histogram([10**9])) == 1
    assert latency.percentile(latency.histogram([10**9]), 0.5) == latency.BOUNDS[-1]
