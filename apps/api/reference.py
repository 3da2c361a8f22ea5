"""What the OpenAPI document says beyond types: examples that can be tried, and every problem that a route may answer."""

from functools import cached_property
from typing import Any

import orjson
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from apps.api.schemas import Problem

# Stand-ins, which the documentation page replaces where a demo is open.
AGENT = "7d8f1f5e-9a53-4f52-9b0c-3c0d0f0b8a10"
KEY = "cwu_sk_…"
CHAT = "0b0cfd5e-5e6c-4a0e-9d0a-0f6b9c0f3a11"
KNOWLEDGE = "c0a8012e-0000-4000-8000-000000000001"
QUESTION = "How long do I have to return something?"
ANSWER = "You have 30 days. [1]"

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
        "interrupted",
        "The server restarts",
        "Your message is kept and is being answered. Ask again under the same Idempotency-Key, or read the chat.",
    ),
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
    503: "The server goes down before the reply has ended, which is finished elsewhere; or the database is not there for a moment (`unavailable`).",
}
_CITATION = {
    "number": 1,
    "title": "Returns",
    "url": None,
    "quote": "You have 30 days.",
    "knowledge": KNOWLEDGE,
    "page": None,
    "at": None,
}
_USAGE = {"input_tokens": 210, "output_tokens": 9}
_AT = "2026-01-01T12:00:00.000Z"
_STREAM = f"""id: 0.0.0.-1
event: ack
data: {{"v":1,"type":"ack","ts":"{_AT}","chat":"{CHAT}","seq":1,"client_message_id":"rest-1","exchange":1}}

id: 2.1.1.-1
event: reply.started
data: {{"v":1,"type":"reply.started","chat":"{CHAT}","seq":2,"ts":"{_AT}","exchange":1,"epoch":1}}

id: 2.1.1.0
event: reply.delta
data: {{"type":"reply.delta","exchange":1,"epoch":1,"index":0,"text":"{ANSWER}"}}

"""
_COMPLETION = {
    "id": "chatcmpl-0b0cfd5e5e6c4a0e9d0a0f6b9c0f3a11",
    "object": "chat.completion",
    "created": 1767268800,
    "model": AGENT,
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": ANSWER, "refusal": None, "annotations": []},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 210, "completion_tokens": 9, "total_tokens": 219},
    "session_id": CHAT,
    "citations": [_CITATION],
}
_MODEL = {"id": AGENT, "object": "model", "created": 1767268800, "owned_by": "fernhill", "name": "Fern"}
_OBJECT = {"type": "object"}
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


def _told(
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
    route may answer that it is asked too much."""
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
        "responses": responses | {one: describe(one) for one in sorted({*problems, 429})}
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
    error = {
        "message": _PROBLEMS[status][2],
        "type": "invalid_request_error",
        "param": None,
        "code": _PROBLEMS[status][0],
    }
    schema = {"type": "object", "required": ["error"], "properties": {"error": {"type": "object"}}}
    content = {"application/json": {"schema": schema, "example": {"error": error}}}
    return {"description": _MEANINGS[status], "content": content}


ASK = _told(
    400, 401, 402, 403, 404, 409, 413, 422, 502, 503,
    request={
        "A new chat": {"agent": AGENT, "message": QUESTION},
        "The same chat": {"agent": AGENT, "message": "And who pays for that?", "session_id": CHAT},
        "As a stream": {"agent": AGENT, "message": QUESTION, "stream": True},
    },
    answer={
        "agent": AGENT,
        "message": QUESTION,
        "session_id": CHAT,
        "response": ANSWER,
        "exchange_id": "4f0f2b1e-3c55-4a55-8a3a-0d0a4f3f6a77",
        "citations": [_CITATION],
        "grounded": True,
        "handled_by": "agent",
        "usage": _USAGE,
        "created_at": _AT,
    },
    stream=_STREAM,
)  # fmt: skip
READ = _told(
    401, 403, 404, 422,
    answer={
        "session_id": CHAT,
        "agent": AGENT,
        "handled_by": "agent",
        "name": None,
        "avatar": None,
        "resolved": False,
        "queue": None,
        "csat": None,
        "has_email": False,
        "messages": [
            {
                "exchange": 1,
                "from": "visitor",
                "name": None,
                "client_message_id": "rest-1",
                "request": QUESTION,
                "response": ANSWER,
                "citations": [_CITATION],
                "grounded": True,
                "state": "completed",
                "reason": "",
                "feedback": None,
                "feedback_comment": "",
                "created_at": _AT,
            }
        ],
        "next_cursor": None,
    },
)  # fmt: skip
FOLLOW = _told(401, 403, 404, 422, stream=_STREAM)
VISITOR = _told(
    400, 403, 413, 422,
    request={"A new visitor": {"agent": AGENT}, "A person whom you know": {"agent": AGENT, "jwt": "eyJ…"}},
    answer={
        "visitor": "v_Zk3v0b6bq1yYt2xA",
        "token": "eyJ…",
        "expires_at": "2026-01-31T12:00:00Z",
        "agent": {"id": AGENT, "name": "Fern", "greeting": "Hello.", "suggestions": [], "avatar": None, "appearance": {}},
        "offers": ["feedback", "person"],
        "session_id": None,
    },
)  # fmt: skip
ACT = _told(
    400, 401, 403, 404, 413, 422,
    request={
        "A good answer": {"type": "feedback", "exchange": 1, "value": 1, "comment": "Just what I needed."},
        "Stop": {"type": "reply.stop"},
        "A person, please": {"type": "handoff.request"},
        "Where to answer": {"type": "email", "address": "grace@example.org"},
    },
)  # fmt: skip
TRANSCRIPT = _told(
    401, 403, 404, text=f"# Fern, 2026-01-01\n\n**You**, 12:00 UTC\n\n> {QUESTION}\n\n**Fern**\n\n{ANSWER}\n"
)
COMPLETE = _told(
    400, 401, 402, 404, 409, 413, 502, 503,
    request={
        "One question": {"model": AGENT, "messages": [{"role": "user", "content": QUESTION}]},
        "As a stream": {
            "model": AGENT,
            "messages": [{"role": "user", "content": QUESTION}],
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    },
    answer=_COMPLETION,
    schema=_OBJECT,
    stream='data: {"id":"chatcmpl-…","object":"chat.completion.chunk", …}\n\ndata: [DONE]\n\n',
    is_openai=True,
)  # fmt: skip
MODELS = _told(401, answer={"object": "list", "data": [_MODEL]}, schema=_OBJECT, is_openai=True)
MODEL = _told(401, 404, answer=_MODEL, schema=_OBJECT, is_openai=True)
_SOURCE = {
    "id": KNOWLEDGE,
    "name": "Returns",
    "category": "plain_document",
    "description": "",
    "status": "ready",
    "failure": "",
    "passages": 1,
    "address": None,
    "documents": {"ready": 1},
    "website": None,
    "agents": [AGENT],
    "created_at": _AT,
    "updated_at": _AT,
    "synced_at": _AT,
}
_DOCUMENT = {
    "id": "0d9a6a0e-5f3c-4a55-8f5e-1b8f0c1a2b3c",
    "title": "Returns",
    "url": "https://fernhill.example/returns",
    "status": "ready",
    "failure": "",
    "size": 4096,
    "passages": 1,
    "milliseconds": 120,
    "seen_at": _AT,
    "changed_at": _AT,
}
WEBSITE = {
    "name": "Our website",
    "category": "website",
    "content": "https://fernhill.example/",
    "agents": [],
    "website": {"scope": "crawl", "exclude": "/blog/*", "most_pages": 100, "every_hours": 24},
}
PASTED = {"name": "Returns", "content": "You have 30 days.", "agents": []}
ADD = _told(
    400, 401, 403, 413, 422,
    answer={**_SOURCE, "status": "waiting", "passages": 0},
    status=202,
)  # fmt: skip
LOOK = _told(401, 403, 404, answer=_SOURCE)
SHELF = _told(401, 403, 422, answer={"knowledge": [_SOURCE], "next_cursor": None})
CHANGE_KNOWLEDGE = _told(
    400, 401, 403, 404, 413, 422,
    request={"For whom": {"agents": []}, "How a website is read": {"website": {"every_hours": 24}}},
    answer=_SOURCE,
)  # fmt: skip
SYNC = _told(401, 403, 404, answer={**_SOURCE, "status": "waiting"}, status=202)
DOCUMENTS = _told(401, 403, 404, 422, answer={"documents": [_DOCUMENT], "next_cursor": None})
DOCUMENT = _told(
    401, 403, 404,
    answer={
        "document": _DOCUMENT,
        "text": ["You have 60 days."],
        "changes": [{"sign": "-", "text": "You have 30 days."}, {"sign": "+", "text": "You have 60 days."}],
        "outdated": [
            {"chat": CHAT, "exchange": 1, "request": QUESTION, "quote": "You have 30 days.", "created_at": _AT}
        ],
    },
)  # fmt: skip
REMOVE = _told(401, 403, 404)
_THING = "0d9a6a0e-5f3c-4a55-8f5e-1b8f0c1a2b3c"
_MEMBER = {
    "id": _THING,
    "user": "ada@fernhill.example",
    "name": "Ada Okafor",
    "role": "staff",
    "avatar": None,
}
_INVITATION = {
    "id": _THING,
    "email": "grace@fernhill.example",
    "role": "staff",
    "invited_by": "ada@fernhill.example",
    "created_at": _AT,
    "expires_at": "2026-01-08T12:00:00.000Z",
}
_KEY = {
    "id": _THING,
    "name": "Help desk",
    "prefix": "cwu_sk_abcdefghi",
    "scopes": ["chat"],
    "created_at": _AT,
    "expires_at": None,
    "last_used_at": None,
    "revoked_at": None,
}
_SETTINGS = {
    "id": _THING,
    "slug": "fernhill",
    "name": "Fernhill Outdoor",
    "description": "",
    "locale": "en",
    "allowed_origins": ["https://fernhill.example"],
    "retention_days": 365,
    "idle_minutes": 30,
    "requires_two_factor": True,
    "providers": ["builtin"],
    "allowed_models": [],
    "has_identity_secret": False,
    "created_at": _AT,
}
_CREDENTIAL = {"provider": "openai", "hint": "…3f9a", "updated_at": _AT}
_AUDITED = {
    "id": _THING,
    "at": _AT,
    "actor_kind": "user",
    "actor_id": "7",
    "actor_name": "ada@fernhill.example",
    "action": "key.revoked",
    "target_kind": "apikey",
    "target_id": _THING,
    "target_name": "Help desk (cwu_sk_abcdefghi…)",
    "outcome": "done",
    "facts": {},
}
MEMBERS = _told(401, 403, 422, answer={"members": [_MEMBER], "next_cursor": None})
CHANGE_MEMBER = _told(
    400,
    401,
    403,
    404,
    409,
    413,
    422,
    request={"A manager": {"role": "manager"}},
    answer={**_MEMBER, "role": "manager"},
)
REMOVE_MEMBER = _told(401, 403, 404, 409)
INVITATIONS = _told(401, 403, 422, answer={"invitations": [_INVITATION], "next_cursor": None})
INVITE = _told(
    400, 401, 403, 409, 413, 422,
    request={"A colleague": {"email": "grace@fernhill.example", "role": "staff"}},
    answer={**_INVITATION, "link": "https://chat.fernhill.example/console/join/…/"},
    status=201,
)  # fmt: skip
REVOKE_INVITATION = _told(401, 403, 404)
KEYS = _told(401, 403, 422, answer={"keys": [_KEY], "next_cursor": None})
MINT = _told(
    400, 401, 403, 413, 422,
    request={
        "For a help desk": {"name": "Help desk", "scopes": ["chat"]},
        "For a report, until a day": {"name": "Report", "scopes": ["read"], "expires_at": "2099-01-01T00:00:00Z"},
    },
    answer={**_KEY, "secret": KEY},
    status=201,
)  # fmt: skip
REVOKE_KEY = _told(401, 403, 404)
SETTINGS = _told(401, 403, answer=_SETTINGS)
CHANGE_SETTINGS = _told(
    400, 401, 403, 413, 422,
    request={
        "Whose pages may embed the widget": {"allowed_origins": ["https://fernhill.example"]},
        "How long chats are kept": {"retention_days": 365},
    },
    answer=_SETTINGS,
)  # fmt: skip
IDENTITY_SECRET = _told(401, 403, answer={"secret": "Zk3v0b6bq1yYt2xA…"}, status=201)
FORGET_IDENTITY_SECRET = _told(401, 403)
CREDENTIALS = _told(401, 403, answer={"credentials": [_CREDENTIAL]})
KEEP = _told(
    400, 401, 403, 404, 413, 422,
    request={"OpenAI": {"secrets": {"api_key": "sk-…-of-yours-3f9a"}}},
    answer=_CREDENTIAL,
)  # fmt: skip
FORGET = _told(401, 403, 404)
AUDIT = _told(401, 403, 422, answer={"entries": [_AUDITED], "next_cursor": None})

_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PORTRAIT = _told(
    400, 401, 403, 404, 413, 422,
    request={"A picture of one pixel": {"image": _PIXEL}},
    answer={**_MEMBER, "avatar": "https://chat.fernhill.example/avatars/…"},
)  # fmt: skip
DROP_PORTRAIT = _told(401, 403, 404)
_WIDGET = {
    "agent": AGENT,
    "color": "#2b57c9",
    "theme": "auto",
    "position": "right",
    "radius": 14,
    "title": "",
    "launcher": "shown",
    "offers": ["person", "feedback", "csat", "email", "transcript"],
    "has_avatar": False,
}
WIDGET = _told(401, 403, 404, answer=_WIDGET)
CHANGE_WIDGET = _told(
    400, 401, 403, 404, 413, 422,
    request={
        "Its colour": {"color": "#2b57c9"},
        "What it offers": {"offers": ["person", "feedback"]},
    },
    answer=_WIDGET,
)  # fmt: skip
AVATAR = _told(
    400, 401, 403, 404, 413, 422,
    request={"A picture of one pixel": {"image": _PIXEL}},
    answer={**_WIDGET, "has_avatar": True},
)  # fmt: skip
DROP_AVATAR = _told(401, 403, 404)

_BUDGET = {
    "id": _THING,
    "agent": None,
    "period": "month",
    "tokens": 5000000,
    "cost": None,
    "start": "2026-01-01",
    "resets_at": "2026-02-01T00:00:00Z",
    "tokens_used": 1204300,
    "tokens_reserved": 7900,
    "cost_used": "0.000000",
    "cost_reserved": "0.000000",
    "share": 0.24244,
}
_USED = {"replies": 41, "input_tokens": 32800, "output_tokens": 2050}
USAGE = _told(
    401, 403,
    answer={"budgets": [_BUDGET], "agents": [{"agent": AGENT, "name": "Fern", "today": _USED, "month": _USED}]},
)  # fmt: skip
BUDGET = _told(
    400, 401, 403, 404, 413, 422,
    request={
        "For all agents, each month": {"period": "month", "tokens": 5000000},
        "For one agent, each day": {"agent": AGENT, "period": "day", "cost": "2.50"},
    },
    answer=_BUDGET,
)  # fmt: skip
DROP_BUDGET = _told(401, 403, 404)


_CONFIGURATION = {
    "name": "Fern",
    "greeting": "Hello, I am Fern.",
    "suggestions": [QUESTION],
    "language": "en",
    "instructions": "Be brief and friendly.",
    "only_from_knowledge": True,
    "refusal": "I could not find that.",
    "second_message": "queue",
    "provider": "builtin",
    "model": "",
    "fallbacks": [],
    "hands_over": False,
    "temperature": 0.2,
    "top_p": None,
    "stop": [],
    "max_tokens": None,
    "context_tokens": 8000,
}
_STATUS = {"state": "ready", "says": ""}
_AGENT = {
    "id": AGENT,
    "version": 3,
    "has_draft": False,
    "status": _STATUS,
    "warnings": [],
    "created_at": _AT,
    **_CONFIGURATION,
}
_DRAFT = {"edited_by": "ada@fernhill.example", "edited_at": _AT, "warnings": [], **_CONFIGURATION}
_VERSION = {
    "number": 3,
    "note": "A warmer greeting",
    "published_by": "ada@fernhill.example",
    "published_at": _AT,
    **_CONFIGURATION,
}
CHOICES = _told(
    401,
    403,
    answer={
        "providers": [
            {
                "provider": "ollama",
                "models": [{"name": "llama3.2:latest", "says": "2.0 GB, in memory"}],
                "missing": [
                    "Fern: There is no model qwen3 at http://127.0.0.1:11434. On that machine run: ollama pull qwen3"
                ],
                "problem": "",
            }
        ]
    },
)
AGENTS = _told(401, 403, 422, answer={"agents": [_AGENT], "next_cursor": None})
ADD_AGENT = _told(
    400, 401, 403, 413, 422,
    request={"A new agent": {"name": "Fern", "instructions": "Be brief and friendly.", "suggestions": [QUESTION]}},
    answer=_AGENT, status=201,
)  # fmt: skip
READ_AGENT = _told(401, 403, 404, answer=_AGENT)
READ_DRAFT = _told(401, 403, 404, answer=_DRAFT)
EDIT_DRAFT = _told(
    400, 401, 403, 404, 413, 422, request={"A warmer greeting": {"greeting": "Good evening."}}, answer=_DRAFT
)  # fmt: skip
DISCARD_DRAFT = _told(401, 403, 404)
PUBLISH = _told(
    400, 401, 403, 404, 409, 413, 422, request={"With a note": {"note": "A warmer greeting"}}, answer=_VERSION, status=201
)  # fmt: skip
VERSIONS = _told(401, 403, 404, 422, answer={"versions": [_VERSION], "next_cursor": None})
READ_VERSION = _told(401, 403, 404, answer=_VERSION)
ROLL_BACK = _told(401, 403, 404, 409, 422, answer=_VERSION, status=201)
_PART = {
    "number": 1, "title": "Returns", "knowledge": KNOWLEDGE, "passages": [_THING], "page": None, "score": 0.83, "tokens": 96,
    "excerpt": "You have 30 days.",
}  # fmt: skip
_TRIED = {
    "provider": "builtin", "model": "", "duration_ms": 12, "failure": "", "detail": "", "input_tokens": 210, "output_tokens": 9,
}  # fmt: skip
EXPLAIN = _told(
    401, 403, 404,
    answer={
        "version": 3, "provider": "builtin", "model": "", "turns": 0, "passages": [_PART], "attempts": [_TRIED],
        "parameters": {"temperature": 0.2, "top_p": None, "stop": [], "most_tokens": 1024},
        "tokens": {"instructions": 331, "passages": 128, "history": 0, "question": 14},
        "timings": {"found": 18, "first_token": 24, "total": 31},
    },
)  # fmt: skip
_DAY = {
    "day": "2026-01-01", "agent_id": AGENT, "name": "Fern", "calls": 41, "failed": 1, "input_tokens": 32800, "output_tokens": 2050,
    "cost": "0.000000", "is_exact": True,
}  # fmt: skip
USAGE_DAYS = _told(401, 403, 422, answer={"days": [_DAY]})
_CHANGED = {"field": "greeting", "before": "Hello, I am Fern.", "after": "Good evening."}
DIFF = _told(401, 403, 404, 422, answer={"differences": [_CHANGED]})

_TRIED = {
    "knowledge": KNOWLEDGE,
    "title": "Returns",
    "heading": "How long you have",
    "page": None,
    "text": "You have 30 days.",
    "score": 0.71,
    "legs": {"cosine": 0.62, "sentence_cosine": 0.74, "bm25": 0.58, "sentence_bm25": 0.49, "coverage": 0.83},
    "why": "One of its sentences means nearly what was asked, and it has 83% of the question's words, by their weight.",
}
TRY = _told(
    400, 401, 403, 404, 413, 422,
    request={"A question": {"question": QUESTION}},
    answer={"is_sure": True, "threshold": 0.34, "passages": [_TRIED], "answer": ANSWER, "citations": [_CITATION], "failure": "", "detail": ""},
)  # fmt: skip


class Api(NinjaAPI):
    """The API, whose document says all of the above."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Made once: anybody may ask for it, and making it takes 50 ms of everybody's time."""
        return self._document

    @cached_property
    def _document(self) -> OpenAPISchema:
        schema = super().get_openapi_schema()
        told = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schema["components"]["schemas"] |= told.pop("$defs") | {"Problem": told}
        for routes in schema["paths"].values():
            for route in routes.values():
                for parameter in route["parameters"]:
                    parameter["schema"] = _not_null(parameter["schema"])
        return schema

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return "_".join([*(operation.tags or ()), operation.view_func.__name__])


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that may be missing is never null: there is no null in headers and queries."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    if len(kinds) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**rest, **kinds[0]}


def filled(document: dict[str, Any], *, agent: str) -> dict[str, Any]:
    """The document with its examples naming an agent that exists."""
    found: dict[str, Any] = orjson.loads(
        orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS).replace(AGENT.encode(), agent.encode())
    )
    return found
