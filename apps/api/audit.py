"""`/api/v1/audit`: who did what to what, and what was refused."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import AfterValidator, BeforeValidator

from apps.api.guards import ByKey
from apps.api.organisation_schemas import NO_NUL, AuditEntryResponse, AuditLog, Cursor, Limit
from apps.api.reference import organisation as reference
from apps.tenants import journal, pages
from apps.tenants.models import AuditEntry

Action = Annotated[
    str,
    Query(
        max_length=60,
        pattern=NO_NUL,
        description="A thing, such as `key`, or a thing and a verb: `key.revoked`.",
    ),
]
Actor = Annotated[str, Query(max_length=150, pattern=NO_NUL, description="A part of a name.")]
router = Router(tags=["audit"], auth=ByKey("audit.read"))


def _written_out(at: Any) -> Any:
    """Seconds since 1970 are no instants here, though they could be read as such."""
    if isinstance(at, str) and "-" not in at[1:]:
        raise ValueError("Write an instant like 2026-01-31T12:00:00Z.")
    return at


def _utc(at: datetime) -> datetime:
    """PostgreSQL takes no time zone that is sixteen hours away, and no year has number 0."""
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise ValueError("Write an instant of the years 1 to 9999.") from None


Instant = Annotated[datetime, BeforeValidator(_written_out), AfterValidator(_utc)]


@router.get("/audit", response=AuditLog, summary="Read the audit log", **reference.AUDIT)
def entries(
    request: HttpRequest,
    action: Action = "",
    actor: Actor = "",
    outcome: Literal["done", "refused"] | None = None,
    since: Instant | None = None,
    until: Instant | None = None,
    cursor: Cursor = None,
    limit: Limit = pages.FEW,
) -> AuditLog:
    """Newest first. Nobody can change or delete a line."""
    wanted = journal.entries(action=action, actor=actor, outcome=outcome or "", since=since, until=until)
    rows, following = pages.cut(wanted, by="at", cursor=cursor, limit=limit)
    return AuditLog(entries=[_describe(row) for row in rows], next_cursor=following)


def _describe(entry: AuditEntry) -> AuditEntryResponse:
    told = {name: getattr(entry, name) for name in AuditEntryResponse.model_fields}
    return AuditEntryResponse(**told)
