"""Who belongs to an organisation, and who is invited."""

from apps.api.reference.standins import AT, PIXEL, THING
from apps.api.reference.telling import told

_MEMBER = {
    "id": THING,
    "user": "ada@fernhill.example",
    "name": "Ada Okafor",
    "role": "staff",
    "avatar": None,
}
_INVITATION = {
    "id": THING,
    "email": "grace@fernhill.example",
    "role": "staff",
    "invited_by": "ada@fernhill.example",
    "created_at": AT,
    "expires_at": "2026-01-08T12:00:00.000Z",
}
MEMBERS = told(401, 403, 422, answer={"members": [_MEMBER], "next_cursor": None})
CHANGE_MEMBER = told(
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
REMOVE_MEMBER = told(401, 403, 404, 409)
INVITATIONS = told(401, 403, 422, answer={"invitations": [_INVITATION], "next_cursor": None})
INVITE = told(
    400, 401, 403, 409, 413, 422,
    request={"A colleague": {"email": "grace@fernhill.example", "role": "staff"}},
    answer={**_INVITATION, "link": "https://chat.fernhill.example/console/join/…/"},
    status=201,
)  # fmt: skip
REVOKE_INVITATION = told(401, 403, 404)
PORTRAIT = told(
    400, 401, 403, 404, 413, 422,
    request={"A picture of one pixel": {"image": PIXEL}},
    answer={**_MEMBER, "avatar": "https://chat.fernhill.example/avatars/…"},
)  # fmt: skip
DROP_PORTRAIT = told(401, 403, 404)
