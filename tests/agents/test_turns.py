"""Organisations wait for the operator's servers by turns."""

import asyncio
import time
from uuid import UUID

import pytest
from django.conf import LazySettings

from apps.agents import gates
from tests.agents.attempting import PATIENCE, RIVAL, TENANT, failed, heard, mind
from tests.upstream import Script, Upstream
from tests.wires import OPENAI

pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.timely
async def test_one_tenant_leaves_room_for_another(settings: LazySettings) -> None:
    settings.PROVIDER_CONCURRENCY = 4
    async with Upstream(OPENAI, Script(first=0.2)) as upstream:
        greedy = [asyncio.create_task(heard(mind(upstream, is_shared=True))) for _ in range(40)]
        await upstream.arrival(2)
        began = time.monotonic()
        await heard(mind(upstream, is_shared=True, tenant=RIVAL))
        assert time.monotonic() - began < 0.35
        assert upstream.most_running <= 3
        for one in greedy:
            one.cancel()
        await asyncio.gather(*greedy, return_exceptions=True)
        assert (await heard(mind(upstream, is_shared=True)))[0][0] == "Two "


async def test_a_server_of_ones_own_has_no_turns(settings: LazySettings) -> None:
    settings.PROVIDER_CONCURRENCY = 1
    async with Upstream(OPENAI, Script(first=0.1)) as upstream:
        await asyncio.gather(*(heard(mind(upstream)) for _ in range(10)))
        assert upstream.most_running == 10


async def test_tenants_are_served_by_turns_and_those_who_leave_the_line_keep_no_place() -> None:
    gate = gates.Gate(1)
    served: list[UUID] = []
    await gate.enter(TENANT)

    async def wait(tenant_id: UUID) -> None:
        await gate.enter(tenant_id)
        served.append(tenant_id)
        gate.leave(tenant_id)

    waiting = [asyncio.create_task(wait(one)) for one in (TENANT, TENANT, TENANT, RIVAL)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    gate.leave(TENANT)
    await asyncio.gather(*waiting, return_exceptions=True)
    assert served == [TENANT, RIVAL, TENANT]
    await asyncio.wait_for(wait(TENANT), PATIENCE)


async def test_nobody_waits_in_line_for_longer_than_for_a_first_word(settings: LazySettings) -> None:
    settings.PROVIDER_CONCURRENCY, settings.FIRST_TOKEN_SECONDS = 1, 0.3
    async with Upstream(OPENAI, Script(stall_after=1)) as upstream:
        holding = asyncio.create_task(heard(mind(upstream, is_shared=True)))
        await upstream.arrival()
        _, error = await failed(mind(upstream, is_shared=True))
        assert error.kind == "overloaded"
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)
        upstream.script, settings.FIRST_TOKEN_SECONDS = Script(), 30
        assert (await heard(mind(upstream, is_shared=True)))[0][0] == "Two "
