"""Problem documents also for what never reaches the API's own handlers: unknown paths, wrong methods, bodies too large."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.api import problems


class ProblemMiddleware:
    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = await self.get_response(request)
        if not request.path.startswith("/api/") or response.status_code < 400 or _is_problem(response):
            return response
        problem = problems.answer(request, _plain(HTTPStatus(response.status_code)))
        if allowed := response.get("Allow"):
            problem["Allow"] = allowed
        return problem


def _is_problem(response: HttpResponseBase) -> bool:
    return response.get("Content-Type", "").startswith("application/problem+json")


def _plain(status: HTTPStatus) -> problems.Problem:
    return problems.Problem(
        status, status.phrase.lower().replace(" ", "_"), status.phrase, f"{status.description}."
    )
