"""Turns a provider's many small pieces into few frames: the first at once, then one per 25 ms."""

import asyncio
from collections.abc import Callable

WINDOW = 0.025


class Coalescer:
    """Collects text and hands it to `emit` in order; `text` is everything that was ever added."""

    def __init__(self, emit: Callable[[str], None], window: float = WINDOW) -> None:
        self._emit = emit
        self._window = window
        self._parts: list[str] = []
        self._pending: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def add(self, piece: str) -> None:
        if not piece:
            return
        self._pending.append(piece)
        if not self._parts:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._window, self.flush)
        self._parts.append(piece)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pending:
            text = "".join(self._pending)
            self._pending.clear()
            self._emit(text)
