"""Five beats, a moment apart: how a page finds out whether a proxy holds streams back, and how far its clock is off."""

import asyncio
import math
import time
from collections.abc import AsyncIterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from apps.api.sse import HEADERS
from apps.tenants import limits
from apps.tenants.address import client_address

BEATS, APART = 5, 0.2


@require_safe
async def pulse(request: HttpRequest) -> HttpResponseBase:
    """Says nothing of anybody, so any page may read it; counted like a visitor who comes."""
    try:
        await limits.atake((limits.HELLO_IP, client_address(request)))
    except (limits.TooMany, limits.Uncounted) as error:
        return HttpResponse(status=429, headers={"Retry-After": str(math.ceil(error.retry_after))})
    everybody = {"Access-Control-Allow-Origin": "*"}
    return StreamingHttpResponse(_beats(), content_type="text/event-stream", headers=HEADERS | everybody)


async def _beats() -> AsyncIterator[bytes]:
    for number in range(BEATS):
        if number:
            await asyncio.sleep(APART)
        yield b'data: {"at": %d}\n\n' % (time.time() * 1000)
