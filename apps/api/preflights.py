"""CORS preflights: a browser asks, without a token, whether pages of its origin may ask at all.

However many come, they cost the database one statement at a time: this process keeps all origins that any tenant allows. One that is
known a moment too long opens nothing, since each request itself is asked about again."""

import asyncio
import contextvars
import logging
import time
from weakref import WeakKeyDictionary

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from psycopg_pool import PoolTimeout

from apps.tenants import cache
from apps.tenants.hops import hop
from apps.tenants.models import Tenant

logger = logging.getLogger(__name__)
SECONDS = 3.0  # for which an origin is known
ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Last-Event-ID",
    "Access-Control-Max-Age": "600",
}


async def answer(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(status=204)
    origin = request.headers.get("Origin", "")
    if await _here().knows(origin):
        response["Access-Control-Allow-Origin"] = origin
        for name, value in ALLOWED.items():
            response[name] = value
    return response


async def let_read(request: HttpRequest, response: HttpResponseBase) -> None:
    """A page whose visitor's token has ended learns that, and not only that something failed: otherwise it would come back with it
    for ever."""
    origin = request.headers.get("Origin", "")
    if await _here().knows(origin):
        response["Access-Control-Allow-Origin"] = origin


class Origins:
    """What one event loop knows."""

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()
        self._read_at = float("-inf")
        self._running: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None

    async def knows(self, origin: str) -> bool:
        is_kept = origin in self._known and time.monotonic() - self._read_at < SECONDS
        cache.LOOKUPS.labels("origins", "hit" if is_kept else "miss").inc()
        if not is_kept:
            await self._read_anew()
        return origin in self._known

    async def _read_anew(self) -> None:
        """Wait for a reading that began after this was asked: it is one for all who ask while another runs."""
        if self._following is None:
            work = self._read(self._running)
            self._following = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        await asyncio.shield(self._following)

    async def _read(self, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._following = self._following, None
        try:
            self._known, self._read_at = await hop(_origins)(), time.monotonic()
        except (DatabaseError, InterfaceError, PoolTimeout) as error:
            logger.warning("The origins could not be read: %s", error)


def _origins() -> frozenset[str]:
    allowed = Tenant.objects.filter(suspended_at=None).values_list("allowed_origins", flat=True)
    return frozenset(origin for origins in allowed.iterator() for origin in origins)


def _here() -> Origins:
    loop = asyncio.get_running_loop()
    if loop not in _every:
        _every[loop] = Origins()
    return _every[loop]


_every: "WeakKeyDictionary[asyncio.AbstractEventLoop, Origins]" = WeakKeyDictionary()
