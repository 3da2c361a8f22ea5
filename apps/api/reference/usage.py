"""What replies used, and how much they may."""

from apps.api.reference.standins import AGENT, THING
from apps.api.reference.telling import told

_BUDGET = {
    "id": THING,
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
USAGE = told(
    401, 403,
    answer={"budgets": [_BUDGET], "agents": [{"agent": AGENT, "name": "Fern", "today": _USED, "month": _USED}]},
)  # fmt: skip
BUDGET = told(
    400, 401, 403, 404, 413, 422,
    request={
        "For all agents, each month": {"period": "month", "tokens": 5000000},
        "For one agent, each day": {"agent": AGENT, "period": "day", "cost": "2.50"},
    },
    answer=_BUDGET,
)  # fmt: skip
DROP_BUDGET = told(401, 403, 404)
_DAY = {
    "day": "2026-01-01", "agent_id": AGENT, "name": "Fern", "calls": 41, "failed": 1, "input_tokens": 32800, "output_tokens": 2050,
    "cost": "0.000000", "is_exact": True,
}  # fmt: skip
USAGE_DAYS = told(401, 403, 422, answer={"days": [_DAY]})
