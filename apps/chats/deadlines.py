"""How long a reply may take: between pieces, and in all; how long its first piece may, attempts.py knows, which can ask others. Costs
a piece one reading of the clock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from django.conf import settings


class Watchdog:
    """Calls `expired(which)` once a limit has passed; `fed` says that a piece has come."""

    def __init__(self, expired: Callable[[str], object]) -> None:
        self._expired = expired
        self._loop = asyncio.get_running_loop()
        self._fed_at = self._began_at = self._loop.time()
        self._is_speaking = False
        self._timer = self._loop.call_at(self._next()[0], self._look)

    def fed(self) -> None:
        self._fed_at = self._loop.time()
        if not self._is_speaking:
            self._is_speaking = True
            self._timer.cancel()
            self._look()

    def stop(self) -> None:
        self._timer.cancel()

    def _next(self) -> tuple[float, str]:
        total = self._began_at + settings.REPLY_SECONDS, "total"
        if not self._is_speaking:
            return total
        return min((self._fed_at + settings.BETWEEN_TOKENS_SECONDS, "between_tokens"), total)

    def _look(self) -> None:
        due, which = self._next()
        if self._loop.time() >= due:
            self._expired(which)
        else:
            self._timer = self._loop.call_at(due, self._look)


@asynccontextmanager
async def watched() -> AsyncIterator[Watchdog]:
    """For what answers without a Reply. Raises TimeoutError once a limit has passed."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as limit:
        watchdog = Watchdog(lambda which: limit.reschedule(loop.time()))
        try:
            yield watchdog
        finally:
            watchdog.stop()
