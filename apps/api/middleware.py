"""What surrounds the API's own handlers: problem documents for what never reaches them, and the admission of web pages."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from apps.api import guards, limiting, preflights, problems
from apps.chats import visitors
from apps.tenants import access, keys
from apps.tenants.hops import hop

Answering = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
FOR_PAGES = ("/api/v1/chat", "/api/v1/visitors")
KEPT = ("Allow", "Vary", "Access-Control-Allow-Origin")


class ProblemMiddleware:
    """Problem documents also for unknown paths, wrong methods and bodies too large."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Answering) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = await self.get_response(request)
        limiting.tell(request, response)
        if not request.path.startswith("/api/") or response.status_code < 400 or _is_told(response):
            return response
        problem = problems.answer(request, _plain(HTTPStatus(response.status_code)))
        for name in KEPT:
            if value := response.get(name):
                problem[name] = value
        return problem


class PageMiddleware:
    """The door for web pages: lets visitors in by their token and their page's origin, and tells browsers so (CORS).

    There are no cookies here, so credentials are never allowed, and a secret key gives a page nothing to read."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Answering) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(FOR_PAGES):
            return await self.get_response(request)
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response: HttpResponseBase = await preflights.answer(request)
        else:
            response = await self._answer(request)
        patch_vary_headers(response, ["Origin"])
        return response

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        token = guards.bearer(request)
        is_of_visitor = bool(token) and not keys.looks_like_one(token)
        if is_of_visitor:
            await hop(_admit)(request, token)
        admitted: access.Admitted | None = getattr(request, "admitted", None)
        if admitted is None or admitted.role != "visitor":
            response = await self.get_response(request)
        else:
            with access.entered(admitted):
                response = await self.get_response(request)
        if is_of_visitor and response.status_code == HTTPStatus.UNAUTHORIZED:
            await preflights.let_read(request, response)
        return _readable(request, response)


def _admit(request: HttpRequest, token: str) -> None:
    """A token counts only together with the origin: pages that the tenant does not allow any more are shut out at once."""
    try:
        visitor = visitors.read(token)
    except visitors.BadToken:
        return
    admitted = access.by_agent(visitor.agent_id, origin=guards.origin_of(request))
    if admitted is None:
        request.is_wrong_origin = True  # type: ignore[attr-defined]
        return
    admitted = access.vouched(admitted, visitor.vouched_by, visitor.expires_at)
    if not visitor.vouched_by or (admitted.ticket and admitted.ticket.again()):
        request.admitted, request.visitor = admitted, visitor  # type: ignore[attr-defined]


def _readable(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Let the page's own script read the answer, if this page was let in."""
    admitted: access.Admitted | None = getattr(request, "admitted", None)
    origin = request.headers.get("Origin")
    if origin and admitted and admitted.role == "visitor" and admitted.tenant.admits_origin(origin):
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Expose-Headers"] = ", ".join(limiting.HEADERS)
    return response


def _is_told(response: HttpResponseBase) -> bool:
    """Whether the body is an error in our own words already."""
    return response.get("Content-Type", "").startswith("application/problem+json") or hasattr(
        response, "is_told"
    )


def _plain(status: HTTPStatus) -> problems.Problem:
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return problems.UNAVAILABLE
    return problems.Problem(
        status, status.phrase.lower().replace(" ", "_"), status.phrase, f"{status.description}."
    )
