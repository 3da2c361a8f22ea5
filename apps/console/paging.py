"""Which part of a long list an address asks for, and the addresses of the first and of the next; nonsense in one is passed over."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from django.http import HttpRequest

from apps.tenants import pages

T_co = TypeVar("T_co", covariant=True)


class Cut(Protocol[T_co]):
    """What gives the rows behind a cursor, and the cursor of those that follow."""

    def __call__(self, *, cursor: str | None) -> tuple[Sequence[T_co], str | None]: ...


@dataclass(frozen=True, slots=True)
class Page(Generic[T_co]):
    """`first` and `next` are queries, empty where one is there already or nothing follows."""

    rows: Sequence[T_co]
    first: str
    next: str


def page(request: HttpRequest, cut: Cut[T_co], *, named: str = "cursor") -> Page[T_co]:
    """The part that the address names, or the first."""
    asked = request.GET.get(named)
    try:
        rows, following = cut(cursor=asked)
    except pages.BadCursor:
        asked, (rows, following) = None, cut(cursor=None)
    return Page(
        rows,
        _query(request, named, "") if asked else "",
        _query(request, named, following) if following else "",
    )


def _query(request: HttpRequest, named: str, cursor: str) -> str:
    """What else is asked for stays; the empty one stands for the first part, since an empty address would be no link."""
    query = request.GET.copy()
    query[named] = cursor
    return query.urlencode()
