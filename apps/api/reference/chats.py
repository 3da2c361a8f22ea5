"""Asking, following and reading chats."""

from apps.api.reference.standins import AGENT, ANSWER, AT, CHAT, CITATION, KNOWLEDGE, QUESTION, THING
from apps.api.reference.telling import told

_USAGE = {"input_tokens": 210, "output_tokens": 9}
_STREAM = f"""id: 0.0.0.-1
event: ack
data: {{"v":1,"type":"ack","ts":"{AT}","chat":"{CHAT}","seq":1,"client_message_id":"rest-1","exchange":1}}

id: 2.1.1.-1
event: reply.started
data: {{"v":1,"type":"reply.started","chat":"{CHAT}","seq":2,"ts":"{AT}","exchange":1,"epoch":1}}

id: 2.1.1.0
event: reply.delta
data: {{"type":"reply.delta","exchange":1,"epoch":1,"index":0,"text":"{ANSWER}"}}

"""
ASK = told(
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
        "state": "completed",
        "reason": "",
        "exchange_id": "4f0f2b1e-3c55-4a55-8a3a-0d0a4f3f6a77",
        "citations": [CITATION],
        "grounded": True,
        "handled_by": "agent",
        "usage": _USAGE,
        "created_at": AT,
    },
    stream=_STREAM,
)  # fmt: skip
READ = told(
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
                "citations": [CITATION],
                "grounded": True,
                "state": "completed",
                "reason": "",
                "feedback": None,
                "feedback_comment": "",
                "created_at": AT,
            }
        ],
        "next_cursor": None,
    },
)  # fmt: skip
FOLLOW = told(401, 403, 404, 422, stream=_STREAM)
VISITOR = told(
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
ACT = told(
    400, 401, 403, 404, 413, 422,
    request={
        "A good answer": {"type": "feedback", "exchange": 1, "value": 1, "comment": "Just what I needed."},
        "Stop": {"type": "reply.stop"},
        "A person, please": {"type": "handoff.request"},
        "Where to answer": {"type": "email", "address": "grace@example.org"},
    },
)  # fmt: skip
TRANSCRIPT = told(
    401, 403, 404, text=f"# Fern, 2026-01-01\n\n**You**, 12:00 UTC\n\n> {QUESTION}\n\n**Fern**\n\n{ANSWER}\n"
)
_PART = {
    "number": 1, "title": "Returns", "knowledge": KNOWLEDGE, "passages": [THING], "page": None, "score": 0.83, "tokens": 96,
    "excerpt": "You have 30 days.",
}  # fmt: skip
_TRIED = {
    "provider": "builtin", "model": "", "duration_ms": 12, "failure": "", "detail": "", "input_tokens": 210, "output_tokens": 9,
}  # fmt: skip
EXPLAIN = told(
    401, 403, 404,
    answer={
        "version": 3, "provider": "builtin", "model": "", "turns": 0, "passages": [_PART], "attempts": [_TRIED],
        "parameters": {"temperature": 0.2, "top_p": None, "stop": [], "most_tokens": 1024},
        "tokens": {"instructions": 331, "passages": 128, "history": 0, "question": 14},
        "timings": {"found": 18, "first_token": 24, "total": 31},
    },
)  # fmt: skip
