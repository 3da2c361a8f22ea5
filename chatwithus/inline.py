"""Django's own middleware, run where the request is: what it does waits for nothing.

Django takes each of their steps to a thread and back, fourteen for every request, which is more than many views take. A thread remains
for what may ask the database, or reads a body."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.deprecation import MiddlewareMixin

SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}


class Inline(MiddlewareMixin):
    """Goes in and out without a thread, but out with one where `_asks` says so."""

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        steps: Any = self  # Django's classes have one of them or both
        response: HttpResponseBase | None = None
        if hasattr(steps, "process_request"):
            response = steps.process_request(request)
        if response is None:
            response = await steps.get_response(request)
        if not hasattr(steps, "process_response"):
            return response
        leave: Callable[..., HttpResponseBase] = steps.process_response
        return (
            await sync_to_async(leave)(request, response) if self._asks(request) else leave(request, response)
        )

    def _asks(self, request: HttpRequest) -> bool:
        return False


class Security(Inline, SecurityMiddleware): ...


class Session(Inline, SessionMiddleware):
    def _asks(self, request: HttpRequest) -> bool:
        return bool(request.session.modified)


class Common(Inline, CommonMiddleware): ...


class Csrf(Inline, CsrfViewMiddleware):
    async def process_view(  # type: ignore[override]
        self, request: HttpRequest, callback: Any, arguments: Any, named: Any
    ) -> HttpResponse | None:
        """The token may be in the body, which may be in a file."""
        judge = super().process_view
        if request.method in SAFE or getattr(callback, "csrf_exempt", False):
            return judge(request, callback, arguments, named)
        return await sync_to_async(judge)(request, callback, arguments, named)


class Authentication(Inline, AuthenticationMiddleware): ...


class Messages(Inline, MessageMiddleware):
    def _asks(self, request: HttpRequest) -> bool:
        kept: Any = getattr(request, "_messages", None)
        return kept is not None and (kept.used or kept.added_new)


class FrameOptions(Inline, XFrameOptionsMiddleware): ...
