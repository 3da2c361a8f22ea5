"""The whole proof, on the installation of this run."""

import re

from tests.isolation.proving import prove

LAST = re.compile(
    r"prove_isolation: (\d+) probes, (\d+) routes, (\d+) frame types, (\d+) tasks, (\d+) leaks \(both walls\); (\d+) leaks \(one wall\)"
)


def test_nothing_leaks_and_nothing_is_untried(committed: None) -> None:
    status, said = prove()
    assert status == 0, said
    found = LAST.fullmatch(said[-1])
    assert found is not None
    probes, routes, frames, tasks, *leaks = map(int, found.groups())
    assert leaks == [0, 0]
    assert probes >= 10_000
    assert min(routes, frames, tasks) > 0
