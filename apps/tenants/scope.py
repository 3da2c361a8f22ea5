"""The tenant in the air: entered by a door, read by every query, never passed by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

_tenant: ContextVar[UUID | None] = ContextVar("tenant", default=None)


class NoTenant(RuntimeError):
    """Tenant-owned data was asked for outside any tenant's scope."""


def current() -> UUID:
    """The tenant whose data may be touched now; raises NoTenant where no door has admitted one."""
    tenant_id = _tenant.get()
    if tenant_id is None:
        raise NoTenant("No tenant is in scope: enter one with scope.scoped_to(tenant_id).")
    return tenant_id


def current_or_none() -> UUID | None:
    return _tenant.get()


@contextmanager
def scoped_to(tenant_id: UUID) -> Iterator[None]:
    """Work as this tenant. For doors and tasks; never around a `yield` of an async generator, where it would leak."""
    token = _tenant.set(tenant_id)
    try:
        yield
    finally:
        _tenant.reset(token)


@contextmanager
def unscoped() -> Iterator[None]:
    """Work as nobody: what is tenant-owned can then neither be read nor written."""
    token = _tenant.set(None)
    try:
        yield
    finally:
        _tenant.reset(token)
