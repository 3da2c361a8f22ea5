"""Coroutines that run at once up to their first real wait, as Python 3.12's eager tasks do: most frames need no task at all."""

from collections.abc import Callable, Coroutine, Generator
from functools import partial
from types import coroutine
from typing import Any

PUT = "chatwithus.put"  # the extension of ASGI by which our own server takes a text without a coroutine: sockets.Connection.put


def start(work: Coroutine[Any, Any, None], *, then: Callable[[Coroutine[Any, Any, None]], object]) -> None:
    """Run it in the caller's turn; only where it has to wait is the rest handed to `then`. What it raises before that is
    raised here."""
    try:
        awaited = work.send(None)
    except StopIteration:
        return
    then(_rest(work, awaited))


async def _rest(work: Coroutine[Any, Any, None], awaited: Any) -> None:
    await _stepping(work, awaited)


@coroutine
def _stepping(work: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """Yield what it waits for, and pass on what it gets."""
    while True:
        try:
            got = yield awaited
        except BaseException as error:
            step: Callable[[], Any] = partial(work.throw, error)
        else:
            step = partial(work.send, got)
        try:
            awaited = step()
        except StopIteration:
            return
