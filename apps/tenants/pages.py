"""Long lists in pages: a cursor names the last row that was seen, so that new rows shift nothing."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import Q, QuerySet

FEW, MANY = 50, 200
_LONGEST = 200
M = TypeVar("M", bound=models.Model)
T = TypeVar("T")
Key = datetime | int | None


class BadCursor(ValueError):
    """It was not given out here."""


def cut(
    found: QuerySet[M], *, by: str = "", rising: bool = False, cursor: str | None = None, limit: int = FEW
) -> tuple[list[M], str | None]:
    """The rows after the cursor, by an instant or a number and then by id, or by id alone, the greatest first unless `rising`; and
    the cursor of those that follow.

    Raises BadCursor."""
    sign, after = ("", "gt") if rising else ("-", "lt")
    ordered = found.order_by(*([f"{sign}{by}"] if by else []), f"{sign}id")
    if cursor:
        ordered = ordered.filter(_after(by, after, *_read(cursor, _kind(found, by))))
    rows: list[Any] = list(ordered[: limit + 1])
    return rows[:limit], _cursor(rows[limit - 1], by) if len(rows) > limit else None


def part(
    told: Sequence[T], *, of: str, cursor: str | None = None, limit: int = FEW
) -> tuple[Sequence[T], str | None]:
    """The same of what are no rows; a cursor holds for the version `of` them that it was given out for, and for no other.

    Raises BadCursor."""
    first = _place(cursor, of) if cursor else 0
    last = first + limit
    return told[first:last], _packed(last, of) if len(told) > last else None


def _after(by: str, after: str, at: Key, last: UUID) -> Q:
    if not by:
        return Q(**{f"id__{after}": last})
    return Q(**{f"{by}__{after}e": at}) & (Q(**{f"{by}__{after}": at}) | Q(**{f"id__{after}": last}))


def _kind(found: QuerySet[Any], by: str) -> type[datetime] | type[int] | None:
    if not by:
        return None
    return datetime if isinstance(found.model._meta.get_field(by), models.DateTimeField) else int


def _cursor(row: Any, by: str) -> str:
    at = getattr(row, by) if by else ""
    return _packed(at.isoformat() if isinstance(at, datetime) else at, row.id.hex)


def _packed(at: object, last: str) -> str:
    return base64.urlsafe_b64encode(f"{at} {last}".encode()).decode()


def _unpacked(cursor: str) -> tuple[str, str]:
    at, _, last = base64.urlsafe_b64decode(cursor[:_LONGEST].encode()).decode().partition(" ")
    return at, last


def _read(cursor: str, kind: type[datetime] | type[int] | None) -> tuple[Key, UUID]:
    try:
        at, last = _unpacked(cursor)
        return _key(at, kind), UUID(last)
    except ValueError as error:  # binascii's and Unicode's too
        raise BadCursor("This cursor was not given out here.") from error


def _key(at: str, kind: type[datetime] | type[int] | None) -> Key:
    if kind is None:
        return None
    if kind is int:
        return int(at[:9])  # as many as a column takes
    found = datetime.fromisoformat(at)
    if found.tzinfo is None:
        raise ValueError(at)
    return found


def _place(cursor: str, of: str) -> int:
    try:
        at, version = _unpacked(cursor)
        first = int(at)
    except ValueError as error:
        raise BadCursor("This cursor was not given out here.") from error
    if version != of or first < 0:
        raise BadCursor("This has changed since. Begin again without a cursor.")
    return first
