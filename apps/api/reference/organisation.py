"""An organisation's settings, keys, credentials, and what was done in it."""

from apps.api.reference.standins import AT, KEY, THING
from apps.api.reference.telling import told

_KEY = {
    "id": THING,
    "name": "Help desk",
    "prefix": "cwu_sk_abcdefghi",
    "scopes": ["chat"],
    "created_at": AT,
    "expires_at": None,
    "last_used_at": None,
    "revoked_at": None,
}
_SETTINGS = {
    "id": THING,
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
    "created_at": AT,
}
_CREDENTIAL = {"provider": "openai", "hint": "…3f9a", "updated_at": AT}
_AUDITED = {
    "id": THING,
    "at": AT,
    "actor_kind": "user",
    "actor_id": "7",
    "actor_name": "ada@fernhill.example",
    "action": "key.revoked",
    "target_kind": "apikey",
    "target_id": THING,
    "target_name": "Help desk (cwu_sk_abcdefghi…)",
    "outcome": "done",
    "facts": {},
}
KEYS = told(401, 403, 422, answer={"keys": [_KEY], "next_cursor": None})
MINT = told(
    400, 401, 403, 413, 422,
    request={
        "For a help desk": {"name": "Help desk", "scopes": ["chat"]},
        "For a report, until a day": {"name": "Report", "scopes": ["read"], "expires_at": "2099-01-01T00:00:00Z"},
    },
    answer={**_KEY, "secret": KEY},
    status=201,
)  # fmt: skip
REVOKE_KEY = told(401, 403, 404)
SETTINGS = told(401, 403, answer=_SETTINGS)
CHANGE_SETTINGS = told(
    400, 401, 403, 413, 422,
    request={
        "Whose pages may embed the widget": {"allowed_origins": ["https://fernhill.example"]},
        "How long chats are kept": {"retention_days": 365},
    },
    answer=_SETTINGS,
)  # fmt: skip
IDENTITY_SECRET = told(401, 403, answer={"secret": "Zk3v0b6bq1yYt2xA…"}, status=201)
FORGET_IDENTITY_SECRET = told(401, 403)
CREDENTIALS = told(401, 403, answer={"credentials": [_CREDENTIAL]})
KEEP = told(
    400, 401, 403, 404, 413, 422,
    request={"OpenAI": {"secrets": {"api_key": "sk-…-of-yours-3f9a"}}},
    answer=_CREDENTIAL,
)  # fmt: skip
FORGET = told(401, 403, 404)
AUDIT = told(401, 403, 422, answer={"entries": [_AUDITED], "next_cursor": None})
