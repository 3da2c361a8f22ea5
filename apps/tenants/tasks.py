"""The base of every Celery task that touches a tenant's data."""

from typing import Any
from uuid import UUID

from celery.contrib.django.task import DjangoTask

from apps.tenants import scope

_HEADER = "cwu_tenant"


class TenantTask(DjangoTask):
    """A task that carries the tenant of whoever enqueued it and enters that scope before it runs.

    Enqueuing one outside a scope raises NoTenant, and so does a message that lost its header."""

    abstract = True

    def apply_async(self, *args: Any, headers: dict[str, Any] | None = None, **options: Any) -> Any:
        tenant_id = str((headers or {}).get(_HEADER) or scope.current())
        return super().apply_async(*args, headers={**(headers or {}), _HEADER: tenant_id}, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        carried = (self.request.headers or {}).get(_HEADER)
        if carried is None:
            raise scope.NoTenant(f"{self.name} arrived without a tenant.")
        with scope.scoped_to(UUID(carried)):
            return super().__call__(*args, **kwargs)
