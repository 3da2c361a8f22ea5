"""Agents, their drafts and versions, and which models they may have."""

from apps.api.reference.standins import AGENT, AT, QUESTION
from apps.api.reference.telling import told

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
    "created_at": AT,
    **_CONFIGURATION,
}
_DRAFT = {"edited_by": "ada@fernhill.example", "edited_at": AT, "warnings": [], **_CONFIGURATION}
_VERSION = {
    "number": 3,
    "note": "A warmer greeting",
    "published_by": "ada@fernhill.example",
    "published_at": AT,
    **_CONFIGURATION,
}
CHOICES = told(
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
AGENTS = told(401, 403, 422, answer={"agents": [_AGENT], "next_cursor": None})
ADD_AGENT = told(
    400, 401, 403, 413, 422,
    request={"A new agent": {"name": "Fern", "instructions": "Be brief and friendly.", "suggestions": [QUESTION]}},
    answer=_AGENT, status=201,
)  # fmt: skip
READ_AGENT = told(401, 403, 404, answer=_AGENT)
READ_DRAFT = told(401, 403, 404, answer=_DRAFT)
EDIT_DRAFT = told(
    400, 401, 403, 404, 413, 422, request={"A warmer greeting": {"greeting": "Good evening."}}, answer=_DRAFT
)  # fmt: skip
DISCARD_DRAFT = told(401, 403, 404)
PUBLISH = told(
    400, 401, 403, 404, 409, 413, 422, request={"With a note": {"note": "A warmer greeting"}}, answer=_VERSION, status=201
)  # fmt: skip
VERSIONS = told(401, 403, 404, 422, answer={"versions": [_VERSION], "next_cursor": None})
READ_VERSION = told(401, 403, 404, answer=_VERSION)
ROLL_BACK = told(401, 403, 404, 409, 422, answer=_VERSION, status=201)
_CHANGED = {"field": "greeting", "before": "Hello, I am Fern.", "after": "Good evening."}
DIFF = told(401, 403, 404, 422, answer={"differences": [_CHANGED]})
