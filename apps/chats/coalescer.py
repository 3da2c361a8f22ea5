"""Turns a provider's many small pieces into few frames: the first at once, then one per 25 ms."""

import asyncio
from collections.abc import Callable
from math import inf

WINDOW = 0.025


class Coalescer:
    """Collects text and hands it to `emit` in order, as far as `sieve` passes it on; `text` is everything that was handed over.

    `add` is looked up for each piece: while a window is open it is the list's own `append`, and a token costs nothing else. Before one
    opens, `on_open` is called, which may raise where enough was said; of what comes in a window no more than `most` pieces are kept."""

    add: Callable[[str], object]
    on_open: Callable[[], object] = staticmethod(lambda: None)
    most: float = inf

    def __init__(
        self, emit: Callable[[str], None], window: float = WINDOW, *, sieve: Callable[[str], str] = str
    ) -> None:
        self._emit, self._sieve = emit, sieve
        self._window = window
        self._frames: list[str] = []
        self._pending: list[str] = []
        self._flushed = self.length = 0
        self._timer: asyncio.TimerHandle | None = None
        self.add = self._open

    @property
    def text(self) -> str:
        return "".join(self._frames)

    @property
    def pieces(self) -> int:
        """How many were added."""
        return self._flushed + len(self._pending)

    def _open(self, piece: str) -> None:
        """The first piece of a window."""
        self.on_open()
        self._pending.append(piece)
        if self._frames:
            self.add = self._pending.append
            self._timer = asyncio.get_running_loop().call_later(self._window, self.flush)
        else:
            self.flush()

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self.add = self._open
        if self.pieces > self.most:
            del self._pending[int(self.most) - self._flushed :]
        said = "".join(self._pending)
        self._flushed += len(self._pending)
        self.length += len(said)
        self._pending.clear()
        if text := self._sieve(storable(said)):
            self._frames.append(text)
            self._emit(text)


def storable(piece: str) -> str:
    """Without what neither a database nor a frame can hold: NUL, and halves of characters."""
    if piece.isascii():
        return piece.replace("\x00", "")
    return piece.replace("\x00", "").encode("utf-8", "replace").decode()
