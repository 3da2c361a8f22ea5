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


async def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive"})


async def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every dependency answered within 2 s, else 503; the body names each. 503 too from the moment this process was
    asked to stop, while it still serves."""
    if draining.is_on():
        return JsonResponse({"status": "draining"}, status=503)
    questions = {
        "database": partial(_ask, "default"),
        "vectors": partial(_ask, "vectors"),
        "redis": partial(cache.get, "readyz"),
    }
    answered = dict(zip(questions, await asyncio.gather(*map(_answers, questions.values())), strict=True))
    is_ready = all(answered.values())
    body = {name: "ok" if yes else "unreachable" for name, yes in answered.items()}
    status = {"status": "ready" if is_ready else "not ready"}
    return JsonResponse(status | body, status=200 if is_ready else 503)


async def _answers(question: Callable[[], object]) -> bool:
    """Whether it answers in time. In a thread of its own: one that hangs holds up neither the others nor the request's end."""
    asked = asyncio.ensure_future(database_sync_to_async(question, thread_sensitive=False)())
    await asyncio.wait({asked}, timeout=_LIMIT)
    return asked.done() and asked.exception() is None


def _ask(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")
