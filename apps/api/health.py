"""Whether the process lives, and whether it can serve: each dependency with a time limit, none with details for strangers."""

import asyncio
from collections.abc import Callable
from functools import partial

from channels.db import database_sync_to_async
from django.core.cache import cache
from django.db import connections
from django.http import HttpRequest, JsonResponse

from apps.chats import draining

_LIMIT = 2.0


class ReadOnly(Exception):
    """A server that takes no writes, such as one that another has taken over from."""


async def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive"})


async def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every dependency answered within 2 s and takes writes, else 503; the body names each. 503 too from the moment this
    process was asked to stop, while it still serves."""
    if draining.is_on():
        return JsonResponse({"status": "draining"}, status=503)
    questions = {
        "database": partial(_ask, "default"),
        "vectors": partial(_ask, "vectors"),
        "redis": partial(cache.get, "readyz"),
    }
    found = dict(zip(questions, await asyncio.gather(*map(_state, questions.values())), strict=True))
    is_ready = set(found.values()) == {"ok"}
    status = {"status": "ready" if is_ready else "not ready"}
    return JsonResponse(status | found, status=200 if is_ready else 503)


async def _state(question: Callable[[], object]) -> str:
    """How it answers in time. In a thread of its own: one that hangs holds up neither the others nor the request's end."""
    asked = asyncio.ensure_future(database_sync_to_async(question, thread_sensitive=False)())
    await asyncio.wait({asked}, timeout=_LIMIT)
    if not asked.done():
        return "unreachable"
    error = asked.exception()
    return "ok" if error is None else "read-only" if isinstance(error, ReadOnly) else "unreachable"


def _ask(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_read_only')")
        if cursor.fetchone() != ("off",):
            raise ReadOnly(alias)
