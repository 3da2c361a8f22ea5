"""The doctor on what the web process counts."""

from collections.abc import Callable

import pytest

from tests.chatwithus.doctor.diagnosis import Diagnosis
from tests.server import Server
from tests.world import House

Examined = Callable[..., Diagnosis]


def test_it_tells_hits_and_misses_and_whom_limits_turned_away(
    examined: Examined, server: Server, houses: tuple[House, House]
) -> None:
    with server.visitor(houses[0]), server.visitor(houses[0]):
        found = examined(PORT=str(server.port), PUBLIC_URL=server.url)
    assert found.checks["cache"]["state"] == "good", found.of("cache")
    assert "questions answered from it" in found.of("cache")
    assert found.checks["limits"]["state"] == "good"
    assert found.of("limits").startswith("turned away ")


def test_where_no_web_process_runs_it_says_so(examined: Examined) -> None:
    found = examined()
    assert found.checks["cache"]["state"] == found.checks["limits"]["state"] == "skipped"


@pytest.mark.parametrize("proxies", ["*", "10.0.0.1,*"])
def test_a_proxy_that_is_everybody_is_refused(examined: Examined, proxies: str) -> None:
    assert "FORWARDED_ALLOW_IPS" in examined(FORWARDED_ALLOW_IPS=proxies).of("limits")
