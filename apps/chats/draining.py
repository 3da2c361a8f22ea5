"""Whether this process is on its way out: begun once, when it was asked to stop, and never taken back."""

import time
from collections.abc import Callable

_last_words: list[Callable[[], None]] = []
_begun_at: float | None = None
_closed_at: float | None = None


def begin() -> None:
    """From now on readiness is red, while everybody who still comes is served."""
    global _begun_at
    _begun_at = time.monotonic()


def is_on() -> bool:
    return _begun_at is not None


def before_closing(callback: Callable[[], None]) -> None:
    """Have it called right before connections are closed, to end streams that have no end of their own."""
    _last_words.append(callback)


def close() -> None:
    """From now on only what has begun goes on."""
    global _closed_at
    _closed_at = time.monotonic()
    for callback in _last_words:
        callback()


def seconds_left(total: float) -> float:
    """What is left of so many seconds since `close`; all of them where nobody has closed."""
    return total if _closed_at is None else max(0.0, _closed_at + total - time.monotonic())
