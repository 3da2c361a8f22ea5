"""Errors as RFC 9457 problem documents: one table from exception to problem. Only OpenAI's clients get them in OpenAI's shape."""

import logging
import math
import uuid
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from psycopg_pool import PoolTimeout

from apps.agents.versions import BadConfiguration, NoSuchVersion, NothingToPublish
from apps.agents.widgets import BadLook
from apps.api.completion_schemas import ROLES
from apps.api.guards import OriginNotAllowed
from apps.api.idempotency import IdempotencyConflict
from apps.chats import conversations
from apps.chats.conversations import BadMessage, NoSuchChat
from apps.chats.frames import BadFrame
from apps.chats.hub import TooSlow
from apps.knowledge.library import BadSource, Unreplaceable
from apps.tenants.access import Forbidden, NotAdmitted
from apps.tenants.credentials import BadCredential
from apps.tenants.identity import BadIdentity
from apps.tenants.invitations import AlreadyMember
from apps.tenants.keyring import BadKey
from apps.tenants.limits import TooMany, Uncounted
from apps.tenants.members import LastOwner, NoSuchMember
from apps.tenants.organisation import BadSetting
from apps.tenants.pages import BadCursor
from apps.tenants.pictures import BadPicture

logger = logging.getLogger(__name__)
OPENAI = "/api/v1/openai/"
_OPENAI_CODES = {
    "unauthorized": "invalid_api_key",
    "unknown_model": "model_not_found",
    "too_many_requests": "rate_limit_exceeded",
    "budget_exhausted": "insufficient_quota",
}


class ReplyFailed(Exception):
    """The agent could not answer; the question is kept and may be asked again."""

    def __init__(self, code: str, session_id: uuid.UUID) -> None:
        super().__init__(code)
        self.code, self.session_id = code, session_id


class Interrupted(Exception):
    """The server goes down before the reply has ended; it is finished elsewhere."""

    def __init__(self, session_id: uuid.UUID) -> None:
        super().__init__(session_id)
        self.session_id = session_id


class NotFound(LookupError):
    """Nothing of this tenant has that id; another tenant's id looks the same."""

    def __init__(self, detail: str, code: str = "not_found") -> None:
        super().__init__(detail)
        self.code = code


class Invalid(ValueError):
    """A field that has the right type cannot hold; `pointer` names it."""

    def __init__(self, detail: str, pointer: str) -> None:
        super().__init__(detail)
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class Problem:
    status: int
    code: str
    title: str
    detail: str
    errors: tuple[dict[str, Any], ...] = ()
    retry_after: float | None = None
    session_id: uuid.UUID | None = None  # of the chat that has the message, though there is no answer


UNAVAILABLE = Problem(
    503, "unavailable", "Not possible just now", "This is not possible just now. Try again in a moment."
)

INTERRUPTED = Problem(
    503,
    "interrupted",
    "The server restarts",
    "Your message is kept and is being answered. Ask again under the same Idempotency-Key, or read the chat.",
)

FELL_BEHIND = Problem(
    503,
    "fell_behind",
    "The reply could not be followed to its end",
    "More was said in the chat meanwhile than is kept for who waits. Your message is kept: ask again under the same Idempotency-Key, or read the chat.",
)


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    return answer_at(request.path, problem)


def answer_at(path: str, problem: Problem) -> HttpResponse:
    """For whoever refuses before there is a request."""
    response = _openai(problem) if path.startswith(OPENAI) else _rfc9457(path, problem)
    if problem.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="chatwithus"'
    if problem.status == 503 or problem.retry_after is not None:
        response["Retry-After"] = str(math.ceil(problem.retry_after or 1))
    return response


def _rfc9457(path: str, problem: Problem) -> HttpResponse:
    request_id = uuid.uuid4().hex
    if problem.status >= 500:  # what a caller may report, to be found again
        logger.warning("Request %s to %s ended as %d %s.", request_id, path, problem.status, problem.code)
    body = {
        "type": f"urn:chatwithus:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "instance": path,
        "request_id": request_id,
        "errors": list(problem.errors),
    }
    if problem.session_id is not None:
        body["session_id"] = str(problem.session_id)
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
    def handle(request: HttpRequest, error: Exception) -> HttpResponse:
        if isinstance(error, TooMany) and error.left is not None:
            request.left = error.left  # type: ignore[attr-defined]
        return answer(request, describe(error))

    return handle


def _invalid(error: ValidationError) -> Problem:
    errors = tuple(_location(one) for one in error.errors)
    return Problem(
        422, "invalid", "The request is not valid", "; ".join(e["detail"] for e in errors[:5]), errors
    )


def _refused(error: Any) -> Problem:
    """What a story refuses: `field` or `pointer` names what is wrong in the body."""
    pointer = getattr(error, "pointer", "") or f"/{error.field}"
    return Problem(422, "invalid", "The request is not valid", str(error), (_wrong("body", pointer, error),))


def _misconfigured(error: BadConfiguration) -> Problem:
    errors = tuple(
        _wrong("body", f"/{field}", sentence) for field, said in error.errors.items() for sentence in said
    )
    return Problem(422, "invalid", "The request is not valid", str(error), errors)


def _wrong(location: str, pointer: str, error: Exception | str) -> dict[str, Any]:
    return {"location": location, "pointer": pointer, "detail": str(error)}


def _location(error: dict[str, Any]) -> dict[str, Any]:
    place, *path = [str(part) for part in error["loc"]]
    if path[:1] == ["body"]:  # what the handlers call the whole body
        path = path[1:]
    path = [
        part for part in path if "[" not in part and part not in ROLES
    ]  # which of several forms was tried
    return {
        "location": place,
        "pointer": "/" + "/".join(path),
        "detail": f"{'.'.join(path) or place}: {error['msg']}",
    }


def _failed(error: ReplyFailed) -> Problem:
    code, chat = error.code, error.session_id
    if code == conversations.BUDGET_EXHAUSTED:
        detail = "The organisation's budget for its agents is used up. Your message is kept."
        return Problem(402, code, "The budget is used up", detail, session_id=chat)
    return Problem(
        502, code, "The agent could not answer", "Your message is kept; try again.", session_id=chat
    )


def _away(error: Exception) -> Problem:
    """The database is not there, has no room, or takes no writes."""
    logger.warning("A request has to wait for the database: %s", error)
    return UNAVAILABLE


def _unexpected(error: Exception) -> Problem:
    logger.error("Unhandled error in the API", exc_info=error)
    return Problem(500, "internal", "Something went wrong on our side", "Try again; we have been told.")


_TABLE: dict[type[Exception], Any] = {
    AuthenticationError: lambda error: Problem(
        401, "unauthorized", "No valid API key", "Send a valid key as `Authorization: Bearer cwu_sk_…`."
    ),
    NotAdmitted: lambda error: Problem(401, "unauthorized", "Not admitted any more", str(error)),
    BadIdentity: lambda error: Problem(
        422,
        "bad_identity",
        "The JWT does not prove who the visitor is",
        str(error),
        (_wrong("body", "/jwt", error),),
    ),
    ValidationError: _invalid,
    BadMessage: lambda error: Problem(
        422,
        error.code,
        "The message cannot be asked",
        str(error),
        (_wrong("body", "/client_message_id" if error.code == "message_id_taken" else "/message", error),),
    ),
    BadFrame: lambda error: Problem(
        422,
        error.code,
        "This cannot be done",
        str(error),
        (_wrong("body", f"/{error.fields.get('field', 'type')}", error),),
    ),
    BadSource: lambda error: Problem(
        422,
        "bad_source",
        "This cannot become knowledge",
        str(error),
        ({"location": "body", "pointer": "/" + error.field.replace(".", "/"), "detail": str(error)},),
    ),
    Unreplaceable: lambda error: Problem(409, "unreplaceable", "There is nothing to replace", str(error)),
    Forbidden: lambda error: Problem(
        403,
        "forbidden",
        "The key does not include this",
        f"A key with another scope is needed: {error.ability}.",
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
    **dict.fromkeys((BadKey, BadSetting, BadCredential, BadLook, BadPicture, Invalid), _refused),
    BadCursor: lambda error: Problem(
        422, "invalid", "The request is not valid", str(error), (_wrong("query", "/cursor", error),)
    ),
    LastOwner: lambda error: Problem(409, "last_owner", "The last owner stays", str(error)),
    AlreadyMember: lambda error: Problem(409, "already_member", "They work here already", str(error)),
    BadConfiguration: _misconfigured,
    NothingToPublish: lambda error: Problem(409, "nothing_to_publish", "Nothing to publish", str(error)),
    NoSuchVersion: lambda error: Problem(404, "not_found", "Not found", str(error)),
    NoSuchMember: lambda error: Problem(404, "not_found", "Not found", str(error)),
    NoSuchChat: lambda error: Problem(404, "not_found", "Not found", str(error)),
    NotFound: lambda error: Problem(404, error.code, "Not found", str(error)),
    Http404: lambda error: Problem(404, "not_found", "Not found", "There is nothing at this address."),
    ReplyFailed: _failed,
    TooMany: lambda error: Problem(
        429, "too_many_requests", "Too many requests", str(error), retry_after=error.retry_after
    ),
    Uncounted: lambda error: Problem(
        503, "unavailable", "Not possible just now", str(error), retry_after=error.retry_after
    ),
    **dict.fromkeys((OperationalError, InterfaceError, InternalError, PoolTimeout), _away),
    Interrupted: lambda error: replace(INTERRUPTED, session_id=error.session_id),
    TooSlow: lambda error: FELL_BEHIND,
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
