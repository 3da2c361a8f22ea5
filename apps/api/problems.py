"""Errors as RFC 9457 problem documents: one table from exception to problem. Only OpenAI's clients get them in OpenAI's shape."""

import logging
import uuid
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from apps.api.guards import OriginNotAllowed
from apps.api.idempotency import IdempotencyConflict
from apps.chats.conversations import BadMessage, NoSuchChat
from apps.knowledge.library import BadSource
from apps.tenants.access import Forbidden

logger = logging.getLogger(__name__)
OPENAI = "/api/v1/openai/"
_OPENAI_CODES = {"unauthorized": "invalid_api_key", "unknown_model": "model_not_found"}


class ReplyFailed(Exception):
    """The agent could not answer; the question is kept and may be asked again."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Interrupted(Exception):
    """The server goes down before the reply has ended; it is finished elsewhere."""


class NotFound(LookupError):
    """Nothing of this tenant has that id; another tenant's id looks the same."""

    def __init__(self, detail: str, code: str = "not_found") -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Problem:
    status: int
    code: str
    title: str
    detail: str
    errors: tuple[dict[str, Any], ...] = ()


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    is_openai = request.path.startswith(OPENAI)
    response = _openai(problem) if is_openai else _rfc9457(request, problem)
    if problem.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="chatwithus"'
    if problem.status == 503:
        response["Retry-After"] = "1"
    return response


def _rfc9457(request: HttpRequest, problem: Problem) -> HttpResponse:
    body = {
        "type": f"urn:chatwithus:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "instance": request.path,
        "request_id": uuid.uuid4().hex,
        "errors": list(problem.errors),
    }
    return JsonResponse(body, status=problem.status, content_type="application/problem+json")


def _openai(problem: Problem) -> HttpResponse:
    """As OpenAI's clients read it: there is no 422, and `param` is the first field that is wrong."""
    status = 400 if problem.status == 422 else problem.status
    response = JsonResponse({"error": openai_error(problem)}, status=status)
    response.is_told = True  # type: ignore[attr-defined]
    return response


def openai_error(problem: Problem) -> dict[str, Any]:
    first = next((error["pointer"].strip("/").replace("/", ".") for error in problem.errors), None)
    return {
        "message": problem.detail,
        "type": "invalid_request_error" if problem.status < 500 else "server_error",
        "param": "messages" if first == "message" else first,
        "code": _OPENAI_CODES.get(problem.code, problem.code),
    }


def install(api: NinjaAPI) -> None:
    for kind, describe in _TABLE.items():
        api.exception_handler(kind)(_handler(describe))


def _handler(describe: Any) -> Any:
    return lambda request, error: answer(request, describe(error))


def _invalid(error: ValidationError) -> Problem:
    errors = tuple(_location(one) for one in error.errors)
    return Problem(
        422, "invalid", "The request is not valid", "; ".join(e["detail"] for e in errors[:5]), errors
    )


def _location(error: dict[str, Any]) -> dict[str, Any]:
    place, *path = [str(part) for part in error["loc"]]
    if path[:1] == ["body"]:  # what the handlers call the whole body
        path = path[1:]
    return {
        "location": place,
        "pointer": "/" + "/".join(path),
        "detail": f"{'.'.join(path) or place}: {error['msg']}",
    }


def _unexpected(error: Exception) -> Problem:
    logger.error("Unhandled error in the API", exc_info=error)
    return Problem(500, "internal", "Something went wrong on our side", "Try again; we have been told.")


_TABLE: dict[type[Exception], Any] = {
    AuthenticationError: lambda error: Problem(
        401, "unauthorized", "No valid API key", "Send a valid key as `Authorization: Bearer cwu_sk_…`."
    ),
    ValidationError: _invalid,
    BadMessage: lambda error: Problem(
        422,
        error.code,
        "The message cannot be asked",
        str(error),
        ({"location": "body", "pointer": "/message", "detail": str(error)},),
    ),
    BadSource: lambda error: Problem(
        422,
        "bad_source",
        "This cannot become knowledge",
        str(error),
        ({"location": "body", "pointer": f"/{error.field}", "detail": str(error)},),
    ),
    Forbidden: lambda error: Problem(
        403, "forbidden", "The key does not include this", f"A key with another scope is needed: {error.ability}."
    ),
    OriginNotAllowed: lambda error: Problem(
        403,
        "origin_not_allowed",
        "This page may not talk to the agent",
        "There is no such agent for pages of this origin. Its organisation has to list the page's origin.",
    ),
    IdempotencyConflict: lambda error: Problem(
        409,
        "idempotency_conflict",
        "The key was used for another request",
        str(error),
        ({"location": "header", "pointer": "/Idempotency-Key", "detail": str(error)},),
    ),
    NoSuchChat: lambda error: Problem(404, "not_found", "Not found", str(error)),
    NotFound: lambda error: Problem(404, error.code, "Not found", str(error)),
    Http404: lambda error: Problem(404, "not_found", "Not found", "There is nothing at this address."),
    ReplyFailed: lambda error: Problem(
        502, error.code, "The agent could not answer", "Your message is kept; try again."
    ),
    Interrupted: lambda error: Problem(
        503,
        "interrupted",
        "The server restarts",
        "Your message is kept and is being answered. Ask again under the same Idempotency-Key, or read the chat.",
    ),
    RequestDataTooBig: lambda error: Problem(
        413, "too_large", "The request is too large", "Send large texts as a file."
    ),
    SuspiciousOperation: lambda error: Problem(400, "bad_request", "The request cannot be read", str(error)),
    UnreadablePostError: lambda error: Problem(400, "bad_request", "The request cannot be read", str(error)),
    HttpError: lambda error: Problem(
        error.status_code,
        "too_large" if error.status_code == 413 else "bad_request",
        "The request cannot be read",
        str(error),
    ),
    Exception: _unexpected,
}
