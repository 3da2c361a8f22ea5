"""Coroutines that run at once up to their first real wait."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from consumers.eager import start


def never(work: Coroutine[Any, Any, None]) -> None:
    raise AssertionError("there is nothing left to do")


async def test_what_need_not_wait_is_done_when_start_returns() -> None:
    done: list[int] = []

    async def work() -> None:
        done.append(1)

    start(work(), then=never)
    assert done == [1]


async def test_what_has_to_wait_goes_on_where_it_stood() -> None:
    done: list[object] = []
    tasks: list[asyncio.Task[None]] = []
    first, second = asyncio.get_running_loop().create_future(), asyncio.get_running_loop().create_future()

    async def work() -> None:
        done.append("begun")
        done.append(await first)
        try:
            await second
        except LookupError as error:
            done.append(error)

    refusal = LookupError("no")
    start(work(), then=lambda rest: tasks.append(asyncio.create_task(rest)))
    assert done == ["begun"]
    first.set_result(1)
    await asyncio.sleep(0)
    second.set_exception(refusal)
    await tasks[0]
    assert done == ["begun", 1, refusal]


async def test_the_rest_can_be_cancelled() -> None:
    tasks: list[asyncio.Task[None]] = []
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cleaned up")

    start(work(), then=lambda rest: tasks.append(asyncio.create_task(rest)))
    await asyncio.sleep(0)
    tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    assert ended == ["cleaned up"]


async def test_what_is_raised_at_once_reaches_the_caller() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        start(work(), then=never)
