"""How a route is told of: by examples that can be tried, and every problem that it may answer."""

from typing import Any

from apps.api.problems import Problem, openai_error

_PROBLEMS = {
    400: ("bad_request", "The request cannot be read", "Cannot parse request body"),
    401: ("unauthorized", "No valid API key", "Send a valid key as `Authorization: Bearer cwu_sk_…`."),
    402: (
        "budget_exhausted",
        "The budget is used up",
        "The organisation's budget for its agents is used up. Your message is kept.",
    ),
    403: (
        "origin_not_allowed",
        "This page may not talk to the agent",
        "There is no such agent for pages of this origin. Its organisation has to list the page's origin.",
    ),
    404: ("not_found", "Not found", "There is no such chat."),
    409: (
        "idempotency_conflict",
        "The key was used for another request",
        "This Idempotency-Key was used for another request. Take a new one.",
    ),
    413: ("too_large", "The request is too large", "Send large texts as a file."),
    422: ("message_empty", "The message cannot be asked", "The message is empty. Write a question."),
    429: ("too_many_requests", "Too many requests", "This is too much at once. Try again in 7 seconds."),
    502: ("provider_unreachable", "The agent could not answer", "Your message is kept; try again."),
    503: (
        "unavailable",
        "Not possible just now",
        "This is not possible just now. Try again in a moment.",
    ),
}
_OPENAI_PROBLEMS = _PROBLEMS | {
    403: ("forbidden", "The key does not include this", "A key with another scope is needed: chats.ask."),
    404: ("unknown_model", "Not found", "There is no model 'gpt': name the id of an agent."),
}
_MEANINGS = {
    400: "The body is not JSON, or not what its Content-Type says.",
    401: "Neither a valid key nor a valid visitor's token.",
    402: "A budget of the organisation or the agent does not allow another reply. The message is kept.",
    403: "A key without the scope for this, or a page of an origin that the organisation does not list.",
    404: "Nothing of yours has this id; another organisation's id looks the same.",
    409: "The Idempotency-Key was used for another body, or what is there does not allow the change.",
    413: "The body is larger than 5 MiB, or the file than is allowed.",
    422: "A field or header is missing or wrong; `errors` says which.",
    429: "A limit is reached; `Retry-After` says in how many seconds there is room again.",
    502: "The agent's mind could not answer; `code` says why. The message is kept.",
    503: "The database, or what counts a limit, is not there for a moment (`unavailable`); or the server goes down before the reply that was asked for has ended, which is finished elsewhere (`interrupted`).",
}
_EVENT = {
    "description": "One of the events that the stream consists of.",
    "type": "object",
    "required": ["data"],
    "properties": {
        "id": {"type": "string", "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+\.(-1|[0-9]+)$"},
        "event": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}


def told(
    *problems: int,
    request: dict[str, Any] | None = None,
    answer: Any = None,
    stream: str | None = None,
    text: str | None = None,
    schema: Any = None,
    status: int = 200,
    is_openai: bool = False,
) -> dict[str, Any]:
    """Arguments for a route: examples of its request by name, of its answer and its stream, and the problems it may have; every
    route may answer that it is asked too much, or cannot answer just now."""
    content: dict[str, Any] = {}
    if answer is not None:
        content["application/json"] = {"example": answer} | ({"schema": schema} if schema else {})
    if stream is not None:
        content["text/event-stream"] = {"schema": _EVENT, "example": stream}
    if text is not None:
        content["text/markdown"] = {"schema": {"type": "string"}, "example": text}
    describe = _openai_error if is_openai else _problem
    responses = {status: {"content": content}} if content else {}
    extra: dict[str, Any] = {
        "responses": responses | {one: describe(one) for one in sorted({*problems, 429, 503})}
    }
    if request is not None:
        examples = {name: {"value": value} for name, value in request.items()}
        extra["requestBody"] = {"content": {"application/json": {"examples": examples}}}
    return {"openapi_extra": extra}


def _problem(status: int) -> dict[str, Any]:
    code, title, detail = _PROBLEMS[status]
    example = {
        "type": f"urn:chatwithus:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": "/api/v1/chat",
        "request_id": "5f1c8f0e2b7a4c6d9e0f1a2b3c4d5e6f",
        "errors": [],
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {"application/problem+json": {"schema": schema, "example": example}}
    return {"description": _MEANINGS[status], "content": content}


def _openai_error(status: int) -> dict[str, Any]:
    error = openai_error(Problem(status, *_OPENAI_PROBLEMS[status]))
    schema = {"type": "object", "required": ["error"], "properties": {"error": {"type": "object"}}}
    content = {"application/json": {"schema": schema, "example": {"error": error}}}
    return {"description": _MEANINGS[status], "content": content}
