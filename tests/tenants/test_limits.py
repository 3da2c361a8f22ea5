"""Limits: counted exactly, for all processes; told; and doing what each declares while Valkey gives no answer."""

import asyncio
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from apps.tenants import caps, limits, valkey
from apps.tenants.apps import TenantsConfig
from apps.tenants.limits import Limit, TooMany, Uncounted
from chatwithus.env import Environment
from tests.services import ROOT

NEVER = 3600.0 * 100  # no token comes back while a test runs


@pytest.fixture
def whose() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def nobody_answers() -> Iterator[None]:
    """As if Valkey were gone: nobody listens at its address."""
    blocking = valkey.blocking
    blocking.cache_clear()
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        limits._rests_until = 0.0
        yield
    blocking.cache_clear()
    limits._rests_until = 0.0


def served(limit: Limit, whose: str, times: int) -> int:
    with ThreadPoolExecutor(32) as pool:
        return sum(pool.map(lambda _: is_served((limit, whose)), range(times)))


def is_served(*asked: limits.Asked) -> bool:
    try:
        limits.take(*asked)
    except TooMany:
        return False
    return True


def test_a_limit_of_100_serves_exactly_100_of_500_at_once(whose: str) -> None:
    assert served(Limit("test", 100, NEVER), whose, 500) == 100


def test_that_holds_over_processes_and_in_the_event_loop(whose: str) -> None:
    program = (
        "import sys; from django.conf import settings; import django; django.setup()\n"
        "from apps.tenants import limits\n"
        f"limit, found = limits.Limit('test', 100, {NEVER}), 0\n"
        "for _ in range(125):\n"
        "    try: limits.take((limit, sys.argv[1])); found += 1\n"
        "    except limits.TooMany: pass\n"
        "print(found)"
    )
    command = [sys.executable, "-c", program, whose]
    others = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(3)]

    async def here() -> int:
        async def one() -> bool:
            try:
                await limits.atake((Limit("test", 100, NEVER), whose))
            except TooMany:
                return False
            return True

        return sum(await asyncio.gather(*(one() for _ in range(125))))

    found = asyncio.run(here())
    assert found + sum(int(other.communicate()[0]) for other in others) == 100


def test_what_is_refused_by_one_is_taken_from_none(whose: str) -> None:
    tight, wide = Limit("tight", 1, NEVER), Limit("wide", 10, NEVER)
    assert is_served((tight, whose), (wide, whose))
    for _ in range(5):
        assert not is_served((wide, whose), (tight, whose))
    left = limits.take((wide, whose))
    assert left is not None
    assert left.remaining == 8


def test_nobody_gets_more_in_any_time_than_the_bucket_and_its_refill(whose: str) -> None:
    limit, began = Limit("test", 20, 1.0), time.monotonic()
    at = []
    while time.monotonic() - began < 1.5:
        if is_served((limit, whose)):
            at.append(time.monotonic())
        time.sleep(0.001)
    for first in range(len(at)):
        for last in range(first, len(at)):
            assert last - first + 1 <= 20 * (1 + (at[last] - at[first])) + 1.5, (first, last)
    assert len(at) >= 40


def test_who_waits_as_long_as_is_said_is_served(whose: str) -> None:
    limit = Limit("test", 2, 0.6)
    assert is_served((limit, whose))
    assert is_served((limit, whose))
    with pytest.raises(TooMany) as refused:
        limits.take((limit, whose))
    assert refused.value.limit == "test"
    assert 0 < refused.value.retry_after <= 0.3 + 1e-9
    time.sleep(refused.value.retry_after)
    assert is_served((limit, whose))


def test_what_is_left_is_told_of_the_tightest(whose: str) -> None:
    told = limits.take((Limit("wide", 100, NEVER), whose), (Limit("tight", 4, NEVER), whose))
    assert told is not None
    assert (told.limit, told.capacity, told.remaining) == ("tight", 4, 3)
    assert told.seconds == pytest.approx(NEVER / 4, rel=0.01)


@pytest.mark.parametrize("other", ["v:1", "v_1", "V1", "v 1", "v1\n", "v1*", "\ud800", ""])
def test_no_two_names_share_a_bucket(other: str, whose: str) -> None:
    limit = Limit("test", 1, NEVER)
    assert is_served((limit, whose + "v1"))
    assert is_served((limit, whose + other))


def test_no_name_and_no_address_is_kept(whose: str) -> None:
    limits.take((limits.LOGIN, whose))
    keys = list(valkey.blocking().scan_iter("cwu:limit:login:*"))
    assert keys
    assert not [key for key in keys if whose.encode() in key]


def test_a_bucket_that_is_full_again_is_forgotten(whose: str) -> None:
    limits.take((Limit("brief", 10, 0.2), whose))
    time.sleep(0.1)
    assert list(valkey.blocking().scan_iter("cwu:limit:brief:*")) == []


def test_a_good_login_is_forgiven_what_went_before(whose: str) -> None:
    asked = limits.of_login(whose, "198.51.100.7")
    for _ in range(limits.LOGIN.capacity):
        limits.take(*asked)
    assert not is_served(*asked)
    limits.forgive(*asked[:1])
    assert is_served(*asked)


def test_other_numbers_hold_where_they_are_set(whose: str) -> None:
    limit = Limit("login", 1, NEVER)
    with override_settings(LIMITS={"login": (3, 9999)}):
        assert served(limit, whose, 9) == 3
    with override_settings(LIMITS={"login": (9, 60)}):
        assert served(limit, whose, 9) == 9  # at once, though the narrower one was used up
    with override_settings(LIMITS={"login": (0, 0)}):
        assert served(limit, whose, 9) == 9
        assert limits.take((limit, whose)) is None


def test_numbers_are_read_from_the_environment() -> None:
    said = Environment({"LIMITS": "message-ip=600/60, connections-ip=50 login=off"}).limits("LIMITS")
    assert said == {"message-ip": (600, 60), "connections-ip": (50, 0), "login": (0, 0)}


@pytest.mark.parametrize(
    "said", ["login", "login=", "login=x/1", "login=0/5", "login=5/0", "login=-1", "login=5/5/5", "login=٣/٣"]
)
def test_numbers_that_are_none_stop_the_boot(said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="LIMITS"):
        Environment({"LIMITS": said}).limits("LIMITS")


@pytest.mark.parametrize("said", [{"nonsense": (1, 1)}, {"login": (5, 0)}, {"connections-ip": (5, 5)}])
def test_numbers_for_no_limit_or_another_kind_stop_the_boot(said: dict[str, Any]) -> None:
    import apps.tenants

    with override_settings(LIMITS=said), pytest.raises(ImproperlyConfigured, match="LIMITS"):
        TenantsConfig("apps.tenants", apps.tenants).ready()


# While Valkey gives no answer


@pytest.mark.timely
@pytest.mark.parametrize("limit", limits.LIMITS.values(), ids=lambda limit: limit.name)
def test_each_limit_does_what_it_declares(limit: Limit, nobody_answers: None, whose: str) -> None:
    began = time.monotonic()
    if limit.when_down == "refuse":
        with pytest.raises(Uncounted):
            limits.take((limit, whose))
    else:
        assert limits.take((limit, whose)) is None
    assert time.monotonic() - began < 0.6


def test_what_is_declared_is_that_nobody_may_guess_and_visitors_are_served() -> None:
    refusing = {limit.name for limit in limits.LIMITS.values() if limit.when_down == "refuse"}
    assert refusing == {"login", "login-name", "login-ip", "invite", "refusals"}


async def test_the_event_loop_does_the_same(nobody_answers: None, whose: str) -> None:
    assert await limits.atake((limits.MESSAGE_IP, whose)) is None
    with pytest.raises(Uncounted):
        await limits.atake((limits.MESSAGE_IP, whose), (limits.LOGIN, whose))


def test_a_server_that_gives_no_answer_is_left_alone_for_a_moment(
    nobody_answers: None, whose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits.take((limits.MESSAGE_IP, whose))
    monkeypatch.setattr(valkey, "blocking", lambda: pytest.fail("asked again"))
    assert limits.take((limits.MESSAGE_IP, whose)) is None


# Connections


def test_so_many_at_once_and_no_more(whose: str) -> None:
    cap, wide = caps.Cap("connections-ip", 2), caps.Cap("connections-tenant", 9)
    leave = [caps.hold((wide, whose), (cap, whose)) for _ in range(2)]
    with pytest.raises(TooMany):
        caps.hold((wide, whose), (cap, whose))
    assert (caps.held(cap, whose), caps.held(wide, whose)) == (2, 2)
    leave[0]()
    leave[0]()  # twice is once
    assert caps.held(cap, whose) == 1
    caps.hold((wide, whose), (cap, whose))()
    leave[1]()
    assert caps.held(cap, whose) == caps.held(wide, whose) == 0


def test_one_account_is_counted_however_its_name_is_spelt() -> None:
    """The sign-in form takes full-width letters for plain ones, and so does the account."""
    spelt = {
        limits.of_login(name, "198.51.100.7")
        for name in ("ada@x.example", "ADA@x.example", "\uff41da@x.example ")
    }
    assert len(spelt) == 1


def test_what_holds_where_nothing_is_set_is_for_strangers() -> None:
    """From one address come an office's messages, not a load test's; and no limit is off."""
    everything = limits.LIMITS | caps.CAPS
    assert set(everything) == {row.partition("|")[0].strip() for row in declared()}
    assert limits.MESSAGE_IP.capacity <= 300
    assert caps.IP.most <= 200


def test_the_page_for_operators_lists_every_limit_as_it_is() -> None:
    numbers = {name: f"{one.capacity}/{one.seconds:g}" for name, one in limits.LIMITS.items()}
    numbers |= {name: str(one.most) for name, one in caps.CAPS.items()}
    assert dict(map(named, declared())) == numbers


def declared() -> list[str]:
    """Rows of the table of limits, without their first bar."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    table = page.partition("### Limits")[2].partition("### Budgets")[0]
    return [line.lstrip("| ") for line in table.splitlines() if line.startswith("|")][2:]


def named(row: str) -> tuple[str, str]:
    name, said, *_ = [cell.strip() for cell in row.split("|")]
    return name, said
