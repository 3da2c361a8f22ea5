"""A server that fails in a row is left alone, then asked once."""

import asyncio
import time
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from apps.agents import breakers
from apps.agents.attempts import Attempts, Heard
from apps.agents.providers.base import ProviderError
from tests.agents.attempting import DOWN, PROMPT, RIVAL, failed, heard, mind
from tests.upstream import Script, Upstream
from tests.wires import OPENAI

pytestmark = pytest.mark.usefixtures("quick")


def let_rest_be_over(upstream: Upstream) -> None:
    breakers.of(mind(upstream))._rests_until = 0.0


async def test_who_fails_in_a_row_is_left_alone_then_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakers, "REST", 60)
    async with Upstream(OPENAI, DOWN) as upstream:
        while len(upstream.asked) < breakers.PATIENCE:
            await failed(mind(upstream))
        known = len(upstream.asked)
        _, error = await failed(mind(upstream))
        assert (error.kind, len(upstream.asked)) == ("unreachable", known)
        assert "left alone" in str(error)
        assert "answered 503" in str(error)  # why it is, which staff would not learn otherwise
        let_rest_be_over(upstream)
        await asyncio.gather(*(failed(mind(upstream)) for _ in range(10)))
        assert len(upstream.asked) == known + 1  # the probe
        upstream.script = Script()
        let_rest_be_over(upstream)
        assert (await heard(mind(upstream)))[0][0] == "Two "
        assert not breakers._failing


@pytest.mark.timely
async def test_a_server_that_is_down_under_load_is_probed_and_no_more_and_is_found_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fifty visitors ask without a pause; while the breaker is open one call a rest gets through."""
    monkeypatch.setattr(breakers, "REST", 0.2)
    works = asyncio.Event()

    async def visitor(upstream: Upstream) -> None:
        while not works.is_set():
            with suppress(ProviderError):
                await heard(mind(upstream))
                works.set()
            await asyncio.sleep(0.01)

    async with Upstream(OPENAI, DOWN) as upstream, asyncio.TaskGroup() as crowd:
        for _ in range(50):
            crowd.create_task(visitor(upstream))
        await upstream.arrival(breakers.PATIENCE)
        await asyncio.sleep(0.5)  # until those that were under way have failed too
        known, began = len(upstream.asked), time.monotonic()
        await asyncio.sleep(2)
        rests = (time.monotonic() - began) / breakers.REST
        assert 1 <= len(upstream.asked) - known <= rests + 1
        upstream.script, back_at = Script(), time.monotonic()
        await asyncio.wait_for(works.wait(), 10)
        assert time.monotonic() - back_at < breakers.REST + 1


async def test_a_probe_that_nobody_waits_for_any_more_does_not_keep_the_breaker_open() -> None:
    async with Upstream(OPENAI, Script(before=60)) as upstream:
        for _ in range(breakers.PATIENCE):
            breakers.of(mind(upstream)).failed("Down.")
        let_rest_be_over(upstream)
        probe = asyncio.create_task(heard(mind(upstream)))
        await upstream.arrival()
        probe.cancel()
        await asyncio.wait((probe,))
        upstream.script = Script()
        assert (await heard(mind(upstream)))[0][0] == "Two "


async def test_one_tenants_failures_cost_no_other_a_call() -> None:
    async with Upstream(OPENAI, DOWN) as upstream:
        while len(upstream.asked) < breakers.PATIENCE:
            await failed(mind(upstream))
        upstream.script = Script()
        assert (await heard(mind(upstream, tenant=RIVAL)))[0][0] == "Two "


async def test_refusals_open_no_breaker() -> None:
    async with Upstream(OPENAI, Script(status=401)) as upstream:
        for _ in range(2 * breakers.PATIENCE):
            await failed(mind(upstream))
        assert len(upstream.asked) == 2 * breakers.PATIENCE


@pytest.mark.parametrize("how", ["cut_after", "error_after"])
async def test_who_begins_and_breaks_off_in_a_row_is_left_alone(upstream: Upstream, how: str) -> None:
    script: dict[str, Any] = {"pieces": ("a ", "b ", "c "), how: 1}
    upstream.script = Script(**script)
    for _ in range(breakers.PATIENCE):
        said, _ = await failed(mind(upstream))
        assert said == ["a "]
    said, error = await failed(mind(upstream))
    assert ("left alone" in str(error), said, len(upstream.asked)) == (True, [], breakers.PATIENCE)


async def test_an_answer_that_ends_well_makes_up_for_those_that_broke_off() -> None:
    async with Upstream(OPENAI) as upstream:
        for _ in range(2):
            upstream.scripts = [Script(cut_after=1)] * (breakers.PATIENCE - 1)
            for _ in range(breakers.PATIENCE - 1):
                await failed(mind(upstream))
            await heard(mind(upstream))
            assert not breakers._failing


async def test_a_probe_that_speaks_lets_others_in_and_shuts_them_out_where_it_breaks_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(breakers, "REST", 60)
    async with Upstream(OPENAI) as upstream:
        for _ in range(breakers.PATIENCE):
            breakers.of(mind(upstream)).failed("Down.")
        let_rest_be_over(upstream)
        upstream.scripts = [Script(stall_after=1)]
        speaks = asyncio.Event()
        asking = Attempts([mind(upstream)], PROMPT)
        probe = asyncio.create_task(asking.tell(Heard(lambda _: speaks.set()), lambda _: None))
        await speaks.wait()
        upstream.scripts = [Script(cut_after=1)]
        assert (await failed(mind(upstream)))[0] == ["Two "]
        _, error = await failed(mind(upstream))
        assert "left alone" in str(error)
        probe.cancel()
        await asyncio.wait((probe,))


async def test_no_more_than_so_many_failures_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakers, "MOST", 3)
    async with Upstream(OPENAI) as upstream:
        for _ in range(9):
            breakers.of(mind(upstream, tenant=uuid4())).failed("Down.")
        assert len(breakers._failing) == 3
        for _ in range(breakers.PATIENCE):
            breakers.of(mind(upstream)).failed("Down.")
        assert "left alone" in str((await failed(mind(upstream)))[1])
