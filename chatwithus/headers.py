"""What browsers are told about our pages, and handshakes that are refused for the bytes in them."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import markcoroutinefunction
from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

# Besides what HTTP forbids in a header, what Python takes for the end of a line.
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f\x85]")
_REFUSAL = {"type": "websocket.http.response.start", "status": 400, "headers": [(b"content-length", b"0")]}


class PolicyMiddleware:
    """The content security policy of every answer (CONTENT_SECURITY_POLICY); `request.csp_nonce` is the page's nonce.

    Async only, as its neighbours: what it does is no reason for a thread."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        self.get_response = get_response
        self._policy = CSPMiddleware(lambda request: None)  # type: ignore[arg-type]  # never called
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        self._policy.process_request(request)
        return self._policy.process_response(request, await self.get_response(request))


class Handshakes:
    """Lets no socket's handshake through that has control characters or other ends of lines in a header."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, connection: Any, receive: Any, send: Any) -> None:
        if any(_CONTROLS.search(name) or _CONTROLS.search(value) for name, value in connection["headers"]):
            await _refuse(connection, receive, send)
        else:
            await self._application(connection, receive, send)


async def _refuse(connection: Any, receive: Any, send: Any) -> None:
    await receive()
    if "websocket.http.response" in connection.get("extensions", {}):
        await send(_REFUSAL)
        await send({"type": "websocket.http.response.body", "body": b""})
    else:  # the server says 403 then
        await send({"type": "websocket.close"})
