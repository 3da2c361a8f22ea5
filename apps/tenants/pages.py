"""Long lists in pages, newest first: a cursor names the last row that was seen, so that new rows shift nothing."""

import base64
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import Q, QuerySet

FEW, MANY = 50, 200
_LONGEST = 200
M = TypeVar("M", bound=models.Model)


class BadCursor(ValueError):
    """It was not given out here."""


def cut(
    found: QuerySet[M], *, by: str = "", cursor: str | None = None, limit: int = FEW
) -> tuple[list[M], str | None]:
    """The rows after the cursor, by an instant and then by id, or by id alone; and the cursor of those that follow.

    Raises BadCursor."""
    ordered = found.order_by(*([f"-{by}"] if by else []), "-id")
    if cursor:
        ordered = ordered.filter(_after(by, *_read(cursor)))
    rows: list[Any] = list(ordered[: limit + 1])
    return rows[:limit], _cursor(rows[limit - 1], by) if len(rows) > limit else None


def _after(by: str, at: datetime | None, last: UUID) -> Q:
    if not by or at is None:
        return Q(id__lt=last)
    return Q(**{f"{by}__lte": at}) & (Q(**{f"{by}__lt": at}) | Q(id__lt=last))


def _cursor(row: Any, by: str) -> str:
    at = getattr(row, by).isoformat() if by else ""
    return base64.urlsafe_b64encode(f"{at} {row.id.hex}".encode()).decode()


def _read(cursor: str) -> tuple[datetime | None, UUID]:
    try:
        at, _, last = base64.urlsafe_b64decode(cursor[:_LONGEST].encode()).decode().partition(" ")
        found = datetime.fromisoformat(at) if at else None
        if found is not None and found.tzinfo is None:
            raise ValueError(at)
        return found, UUID(last)
    except ValueError as error:  # binascii's and Unicode's too
        raise BadCursor("This cursor was not given out here.") from error
