"""The HTTP door: finds out on whose behalf a request comes and holds that tenant's scope while it is answered.

Programs come to `/api/` with a key and nothing else counts there; people come with a session. A view's guard then decides
whether `request.admitted` is enough."""

import logging
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

from asgiref.sync import markcoroutinefunction, sync_to_async
from django.db import InterfaceError, InternalError, OperationalError, connections
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from apps.tenants import access, twofactor

logger = logging.getLogger(__name__)
SESSION_KEY = "tenant_id"
OPERATOR_KEY, OPERATOR_UNTIL = "operator_tenant_id", "operator_until"


class TenantMiddleware:
    """Async only: Django runs synchronous views below it in the request's own thread, with the scope carried along."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            admitted = await sync_to_async(_admit)(request)
        except (OperationalError, InterfaceError, InternalError) as error:
            logger.warning("Nobody can be let in without the database: %s", error)
            return HttpResponse("Not possible just now. Try again in a moment.", status=503)
        request.admitted = admitted  # type: ignore[attr-defined]
        with access.entered(admitted):
            return await self.get_response(request)


def _admit(request: HttpRequest) -> access.Admitted | None:
    try:
        return _admitted(request)
    finally:
        _give_back()


def _give_back() -> None:
    """At once: an answer that streams would hold the connection as long as somebody listens."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def _admitted(request: HttpRequest) -> access.Admitted | None:
    if request.path.startswith("/api/"):
        return _by_key(request)
    if request.path.startswith("/admin/"):
        return _as_operator(request)
    return _by_session(request)


def _by_key(request: HttpRequest) -> access.Admitted | None:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return access.by_key(secret.strip()) if scheme.lower() == "bearer" else None


def _by_session(request: HttpRequest) -> access.Admitted | None:
    chosen = request.session.get(SESSION_KEY)
    admitted = access.by_membership(request.user, UUID(chosen)) if chosen else None
    if admitted is None or twofactor.holds(request.session, request.user, admitted.tenant):
        return admitted
    request.lacks_second_factor = True  # type: ignore[attr-defined]
    return None


def _as_operator(request: HttpRequest) -> access.Admitted | None:
    """Until an hour after the operator went in: whoever wants to stay goes in, and is written down, again."""
    entered = request.session.get(OPERATOR_KEY)
    if not entered or request.session.get(OPERATOR_UNTIL, 0) < time.time():
        return None
    if not twofactor.holds(request.session, request.user):
        return None
    return access.by_operator(request.user, UUID(entered))
