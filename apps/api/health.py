"""Whether the process lives, and whether it can serve: each dependency with a time limit, none with details for strangers."""

import asyncio
from collections.abc import Awaitable

from channels.db import database_sync_to_async
from django.core.cache import cache
from django.db import connections
from django.http import HttpRequest, JsonResponse

_LIMIT = 2.0


async def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive"})


async def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every dependency answered within 2 s, else 503; the body names each."""
    names = ("database", "vectors", "redis")
    answers = await asyncio.gather(
        _within(_ask("default")), _within(_ask("vectors")), _within(cache.aget("readyz"))
    )
    checks = dict(zip(names, answers, strict=True))
    is_ready = all(checks.values())
    body = {name: "ok" if answered else "unreachable" for name, answered in checks.items()}
    return JsonResponse(
        {"status": "ready" if is_ready else "not ready", **body}, status=200 if is_ready else 503
    )


async def _within(question: Awaitable[object]) -> bool:
    try:
        await asyncio.wait_for(question, _LIMIT)
    except Exception:
        return False
    return True


@database_sync_to_async
def _ask(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")
