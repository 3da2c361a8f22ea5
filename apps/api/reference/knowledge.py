"""What agents may read."""

from apps.api.reference.standins import AGENT, ANSWER, AT, CHAT, CITATION, KNOWLEDGE, QUESTION
from apps.api.reference.telling import told

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
    "created_at": AT,
    "updated_at": AT,
    "synced_at": AT,
    "due_at": None,
    "rests_until": None,
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
    "seen_at": AT,
    "changed_at": AT,
}
WEBSITE = {
    "name": "Our website",
    "category": "website",
    "content": "https://fernhill.example/",
    "agents": [],
    "website": {"scope": "crawl", "exclude": "/blog/*", "most_pages": 100, "every_hours": 24},
}
PASTED = {"name": "Returns", "content": "You have 30 days.", "agents": []}
ADD = told(
    400, 401, 403, 413, 422,
    answer={**_SOURCE, "status": "waiting", "passages": 0},
    status=202,
)  # fmt: skip
LOOK = told(401, 403, 404, answer=_SOURCE)
SHELF = told(401, 403, 422, answer={"knowledge": [_SOURCE], "next_cursor": None})
CHANGE_KNOWLEDGE = told(
    400, 401, 403, 404, 413, 422,
    request={"For whom": {"agents": []}, "How a website is read": {"website": {"every_hours": 24}}},
    answer=_SOURCE,
)  # fmt: skip
REPLACE = told(
    400, 401, 403, 404, 409, 413, 422,
    answer={**_SOURCE, "status": "waiting"},
    status=202,
)  # fmt: skip
SYNC = told(401, 403, 404, answer={**_SOURCE, "status": "waiting"}, status=202)
DOCUMENTS = told(401, 403, 404, 422, answer={"documents": [_DOCUMENT], "next_cursor": None})
DOCUMENT = told(
    401, 403, 404,
    answer={
        "document": _DOCUMENT,
        "outdated": [
            {"chat": CHAT, "exchange": 1, "request": QUESTION, "quote": "You have 30 days.", "created_at": AT}
        ],
    },
)  # fmt: skip
TEXT = told(401, 403, 404, 422, answer={"text": ["You have 60 days."], "next_cursor": None})
CHANGES = told(
    401, 403, 404, 422,
    answer={
        "changes": [{"sign": "-", "text": "You have 30 days."}, {"sign": "+", "text": "You have 60 days."}],
        "next_cursor": None,
    },
)  # fmt: skip
REMOVE = told(401, 403, 404)
_PASSAGE = {
    "knowledge": KNOWLEDGE,
    "title": "Returns",
    "heading": "How long you have",
    "page": None,
    "text": "You have 30 days.",
    "score": 0.71,
    "legs": {"cosine": 0.62, "sentence_cosine": 0.74, "bm25": 0.58, "sentence_bm25": 0.49, "coverage": 0.83},
    "why": "One of its sentences means nearly what was asked, and it has 83% of the question's words, by their weight.",
}
TRY = told(
    400, 401, 403, 404, 413, 422,
    request={"A question": {"question": QUESTION}},
    answer={"is_sure": True, "threshold": 0.34, "passages": [_PASSAGE], "answer": ANSWER, "citations": [CITATION], "failure": "", "detail": ""},
)  # fmt: skip
