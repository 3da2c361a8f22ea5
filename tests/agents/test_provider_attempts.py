"""What happens when a provider fails: who is asked again, who is asked instead, and what is never asked twice."""

import asyncio
import time
from typing import Any

import pytest
from django.conf import LazySettings

from apps.agents import attempts, breakers
from apps.agents.attempts import Attempts, Heard
from apps.agents.providers.base import ProviderError, Usage
from tests.agents.attempting import DOWN, PATIENCE, PROMPT, failed, heard, mind
from tests.upstream import Script, Upstream
from tests.wires import INPUT, OPENAI, OUTPUT

pytestmark = pytest.mark.usefixtures("quick")


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
