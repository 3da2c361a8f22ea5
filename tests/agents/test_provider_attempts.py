"""What happens when a provider fails: who is asked again, who is asked instead, and what is never asked twice."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import LazySettings

from apps.agents import attempts, breakers, gates
from apps.agents.attempts import Attempts, Heard
from apps.agents.minds import Mind
from apps.agents.providers.base import Message, Piece, Prompt, ProviderError, Usage
from tests.upstream import Script, Upstream
from tests.wires import INPUT, OPENAI, OUTPUT, WIRES

PROMPT = Prompt("", 0.2, "", (), "q", (), "no", messages=(Message("user", "q"),))
TENANT, RIVAL = uuid4(), uuid4()
DOWN = Script(status=503)
PATIENCE = 20.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short pauses; what failed in another test is forgotten."""
    monkeypatch.setattr(attempts, "PAUSE", 0.01)
    breakers._failing.clear()
    yield
    breakers._failing.clear()


@pytest.fixture(params=WIRES)
async def upstream(request: pytest.FixtureRequest) -> AsyncIterator[Upstream]:
    async with Upstream(WIRES[request.param]) as upstream:
        yield upstream


def mind(upstream: Upstream, *, model: str = "m", tenant: UUID = TENANT, **known: Any) -> Mind:
    wire = upstream.wire
    return Mind(tenant, wire.provider, model, wire.connection(upstream.port, **known))


async def heard(*minds: Mind, said: list[Piece] | None = None) -> tuple[list[Piece], Attempts]:
    asking = Attempts(minds, PROMPT)
    said = [] if said is None else said
    await asking.tell(Heard(said.append), said.append)
    return said, asking


async def failed(*minds: Mind) -> tuple[list[Piece], ProviderError]:
    said: list[Piece] = []
    with pytest.raises(ProviderError) as raised:
        await heard(*minds, said=said)
    return said, raised.value


# Before the first word.


@pytest.mark.parametrize(
    "trouble",
    [
        DOWN,
        Script(status=429),
        Script(status=500),
        Script(cut_after=0),
        Script(error_after=0),
        Script(pieces=()),
        Script(raw=b"?"),
    ],
)
async def test_who_fails_before_its_first_word_is_asked_again(upstream: Upstream, trouble: Script) -> None:
    upstream.scripts = [trouble, trouble]
    said, asking = await heard(mind(upstream))
    assert said[:2] == ["Two ", "words"]
    assert [one.failure is None for one in asking.made] == [False, False, True]


async def test_it_is_not_asked_for_ever(upstream: Upstream) -> None:
    upstream.script = DOWN
    _, error = await failed(mind(upstream))
    assert (error.kind, len(upstream.asked)) == ("overloaded", attempts.MOST)


async def test_what_is_refused_is_not_asked_again(upstream: Upstream) -> None:
    upstream.script = Script(status=401)
    _, error = await failed(mind(upstream))
    assert (error.kind, len(upstream.asked)) == ("refused", 1)


async def test_the_next_one_answers_where_the_first_cannot(upstream: Upstream) -> None:
    async with Upstream(OPENAI, Script(status=403)) as other:
        said, asking = await heard(mind(other), mind(upstream))
    assert said == ["Two ", "words", Usage(INPUT, OUTPUT)]
    assert [one.failure for one in asking.made] == ["refused", None]
    assert asking.mind.provider == upstream.wire.provider


async def test_where_nobody_is_at_home_the_next_one_answers(upstream: Upstream) -> None:
    async with Upstream(OPENAI) as gone:
        absent = mind(gone)
    said, asking = await heard(absent, mind(upstream))
    assert said == ["Two ", "words", Usage(INPUT, OUTPUT)]
    assert [one.failure for one in asking.made] == ["unreachable"] * attempts.MOST + [None]


async def test_each_is_asked_for_its_own_model() -> None:
    async with Upstream(OPENAI, DOWN) as one, Upstream(OPENAI) as other:
        await heard(mind(one, model="big"), mind(other, model="small"))
    assert {asked.json["model"] for asked in one.asked} == {"big"}
    assert [asked.json["model"] for asked in other.asked] == ["small"]


@pytest.mark.timely
async def test_a_server_is_left_alone_for_as_long_as_it_asks() -> None:
    async with Upstream(OPENAI, Script(), Script(status=429, headers=(("Retry-After", "1"),))) as upstream:
        began = time.monotonic()
        await heard(mind(upstream))
        assert 1.0 <= time.monotonic() - began < 3


@pytest.mark.timely
async def test_who_asks_for_longer_than_there_is_time_is_passed_over(settings: LazySettings) -> None:
    settings.FIRST_TOKEN_SECONDS = 5
    async with (
        Upstream(OPENAI, Script(status=429, headers=(("Retry-After", "600"),))) as one,
        Upstream(OPENAI) as other,
    ):
        began = time.monotonic()
        said, _ = await heard(mind(one), mind(other))
        assert time.monotonic() - began < 2
    assert said[0] == "Two "
    assert len(one.asked) == 1


async def test_pauses_grow_and_are_never_the_same_twice() -> None:
    asking = Attempts((), PROMPT)
    error = ProviderError("no", kind="overloaded", retryable=True)
    asked = ProviderError("no", kind="overloaded", retryable=True, retry_after=4)
    waits = [asking._pause(asked, 1) for _ in range(50)]
    assert len(set(waits)) > 40
    assert 4 <= min(waits) <= max(waits) <= 5
    pauses = [[asking._pause(error, number) for _ in range(50)] for number in (1, 2, 3)]
    assert all(len(set(each)) > 40 for each in pauses)
    means = [sum(each) / 50 for each in pauses]
    assert means == sorted(means)


@pytest.mark.parametrize("script", [Script(before=60), Script(first=60)])
async def test_who_does_not_begin_leaves_time_for_the_next(
    upstream: Upstream, script: Script, settings: LazySettings
) -> None:
    await heard(mind(upstream))  # what is loaded once is loaded
    settings.FIRST_TOKEN_SECONDS = 3
    async with Upstream(OPENAI, script) as stalled:
        began = time.monotonic()
        said, asking = await heard(mind(stalled), mind(upstream))
        assert time.monotonic() - began >= 1.5
        await asyncio.wait_for(stalled.asked[0].gone.wait(), PATIENCE)
    assert said[0] == "Two "
    assert asking.made[0].failure == "timeout"


@pytest.mark.timely
async def test_all_fail_in_time(settings: LazySettings) -> None:
    settings.FIRST_TOKEN_SECONDS = 1
    async with Upstream(OPENAI, Script(before=60)) as one, Upstream(OPENAI, Script(first=60)) as other:
        began = time.monotonic()
        _, error = await failed(mind(one), mind(other))
        assert time.monotonic() - began <= 1.1 + 0.1
    assert error.kind == "timeout"


async def test_what_failed_attempts_cost_is_counted() -> None:
    async with Upstream(OPENAI, Script(), Script(pieces=())) as upstream:
        said, _ = await heard(mind(upstream))
    assert said[-1] == Usage(2 * INPUT, 2 * OUTPUT)


@pytest.mark.parametrize("trouble", [Script(pieces=()), Script(cut_after=0), Script(raw=b"?")])
async def test_a_call_that_may_be_paid_for_is_followed_by_one_only_where_that_is_afforded(
    upstream: Upstream, trouble: Script
) -> None:
    upstream.script, left = trouble, iter([True])

    async def afford() -> bool:
        return next(left, False)

    minds = (mind(upstream), mind(upstream, model="other"))
    asking = Attempts(minds, PROMPT, afford)
    with pytest.raises(ProviderError):
        await asking.tell(Heard(lambda _: None), lambda _: None)
    assert len(upstream.asked) == 2
    assert all(one.is_paid for one in asking.made)


@pytest.mark.parametrize("trouble", [DOWN, Script(status=401), Script(status=500)])
async def test_a_call_that_was_not_heard_uses_nothing_up(upstream: Upstream, trouble: Script) -> None:
    upstream.scripts = [trouble]

    async def afford() -> bool:
        raise AssertionError

    asking = Attempts((mind(upstream), mind(upstream)), PROMPT, afford)
    await asking.tell(Heard(lambda _: None), lambda _: None)
    assert [one.is_paid for one in asking.made] == [False, True]


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_a_model_that_is_done_before_its_first_word_is_not_asked_again(
    upstream: Upstream, reason: str
) -> None:
    """Reasoning has used up the longest answer, or a filter has withheld it."""
    names = {"bedrock": {"length": "max_tokens", "content_filter": "guardrail_intervened"}}
    if (upstream.wire.provider, reason) == ("ollama", "content_filter"):
        return  # it has none
    said = names.get(upstream.wire.provider, {}).get(reason, reason)
    upstream.script = Script(pieces=(), reason=said)
    async with Upstream(OPENAI) as other:
        told, asking = await heard(mind(upstream), mind(other))
    assert len(upstream.asked) == 1
    assert told[0] == "Two "
    assert (asking.made[0].failure, asking.made[0].is_paid) == ("refused", True)
    assert asking.made[0].usage == Usage(INPUT, OUTPUT)
    assert "longe" in asking.made[0].detail if reason == "length" else "filter" in asking.made[0].detail
    assert not breakers._failing


# After the first word.


@pytest.mark.parametrize("after", range(1, 6))
@pytest.mark.parametrize("how", ["cut_after", "error_after"])
async def test_nothing_is_glued_to_half_an_answer(upstream: Upstream, how: str, after: int) -> None:
    script: dict[str, Any] = {"pieces": tuple(f"w{n} " for n in range(6)), how: after}
    upstream.script = Script(**script)
    async with Upstream(OPENAI) as other:
        said, error = await failed(mind(upstream), mind(other))
        assert not other.asked
    assert said == [f"w{n} " for n in range(after)]
    assert (len(upstream.asked), error.retryable) == (1, True)


async def test_an_answer_without_end_is_ended(monkeypatch: pytest.MonkeyPatch, upstream: Upstream) -> None:
    monkeypatch.setattr(attempts, "LONGEST_ANSWER", 500)
    upstream.will(pieces=("word ",) * 10_000)
    said, error = await failed(mind(upstream))
    assert error.kind == "garbled"
    assert len("".join(str(piece) for piece in said)) <= 510
    await asyncio.wait_for(upstream.asked[0].over.wait(), PATIENCE)


# Breakers.


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


# Turns.


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
