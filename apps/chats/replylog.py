"""The log of one reply: frames in order, which any number of readers follow from any position on."""

import asyncio
from collections.abc import AsyncIterator

from apps.chats.events import Frame


class ReplyLog:
    """Appended to by the reply's own task; readers never slow it down, and a reader that leaves loses nothing."""

    def __init__(self) -> None:
        self._frames: list[Frame] = []
        self._is_closed = False
        self._grown = asyncio.Event()

    def append(self, frame: Frame) -> None:
        self._frames.append(frame)
        self._wake()

    def close(self) -> None:
        self._is_closed = True
        self._wake()

    async def follow(self, start: int = 0) -> AsyncIterator[Frame]:
        """Every frame from position `start` on; ends when the reply has ended."""
        while True:
            grown = self._grown
            while start < len(self._frames):
                yield self._frames[start]
                start += 1
            if self._is_closed:
                return
            await grown.wait()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()
