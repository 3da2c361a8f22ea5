"""The Python wall: models that belong to a tenant, and managers that raise where none is in scope."""

import uuid
from typing import Any, TypeVar

from django.db import models

from apps.tenants import scope

M = TypeVar("M", bound=models.Model)


class ForeignTenant(ValueError):
    """A row of one tenant was about to be saved in the scope of another."""


class TenantManager(models.Manager[M]):
    """Every query starts inside the current tenant; outside any scope it raises NoTenant."""

    def get_queryset(self) -> models.QuerySet[M]:
        return super().get_queryset().filter(tenant_id=scope.current())


class TenantOwned(models.Model):
    """A row of exactly one tenant, the one in scope when it was made; `protect.Protect` guards its table."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(default=scope.current, editable=False)

    objects = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        require_own(self)
        super().save(*args, **kwargs)


def require_own(row: models.Model) -> None:
    """Raises ForeignTenant where a row that is about to be saved is not of the tenant in scope."""
    if isinstance(row, TenantOwned) and row.tenant_id != scope.current():
        raise ForeignTenant(f"This {row._meta.verbose_name} belongs to another tenant.")


class TenantForeignKey(models.ForeignKey[Any, Any]):
    """A reference inside the tenant: `Protect` makes it FOREIGN KEY (tenant_id, x_id), since PostgreSQL checks plain
    foreign keys past row-level security and would accept another tenant's row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.update(db_constraint=False)
        super().__init__(*args, **kwargs)
