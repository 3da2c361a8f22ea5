"""Doing things as one of a house's people, and reading what was written down about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from apps.tenants import access
from apps.tenants.access import Admitted
from apps.tenants.models import AuditEntry, Membership
from tests.world import House


def admitted(house: House, user: Any = None) -> Admitted:
    found = access.by_membership(user or house.user, house.tenant.id)
    assert found is not None
    return found


@contextmanager
def at_work(house: House, user: Any = None) -> Iterator[Admitted]:
    """As this person, the owner by default, inside the tenant."""
    by = admitted(house, user)
    with access.entered(by):
        yield by


def member(house: House, user: Any) -> Membership:
    with house.scope():
        return Membership.objects.select_related("user").get(user=user)


def log(house: House, action: str = "") -> list[AuditEntry]:
    """Oldest first."""
    with house.scope():
        found = AuditEntry.objects.order_by("at")
        return list(found.filter(action=action) if action else found)


def said(house: House) -> list[tuple[str, str]]:
    return [(entry.action, entry.outcome) for entry in log(house)]
