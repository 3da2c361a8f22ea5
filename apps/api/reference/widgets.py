"""How an agent's widget looks."""

from apps.api.reference.standins import AGENT, PIXEL
from apps.api.reference.telling import told

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
WIDGET = told(401, 403, 404, answer=_WIDGET)
CHANGE_WIDGET = told(
    400, 401, 403, 404, 413, 422,
    request={
        "Its colour": {"color": "#2b57c9"},
        "What it offers": {"offers": ["person", "feedback"]},
    },
    answer=_WIDGET,
)  # fmt: skip
AVATAR = told(
    400, 401, 403, 404, 413, 422,
    request={"A picture of one pixel": {"image": PIXEL}},
    answer={**_WIDGET, "has_avatar": True},
)  # fmt: skip
DROP_AVATAR = told(401, 403, 404)
