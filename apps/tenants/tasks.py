"""The base of every Celery task that touches a tenant's data, and forgetting sessions, which are no tenant's."""

from functools import partial
from typing import Any
from uuid import UUID

from celery import Task, shared_task
from django.db import transaction

from apps.tenants import scope
from apps.tenants.models import Tenant
from apps.tenants.sessions import SessionStore

HEADER = "cwu_tenant"


class TenantTask(Task):  # type: ignore[type-arg]
    """A task that carries the tenant of whoever enqueued it and enters that scope before it runs.

    Enqueuing one outside a scope raises NoTenant, and so does a message that lost its header."""

    abstract = True

    def apply_async(self, *args: Any, headers: dict[str, Any] | None = None, **options: Any) -> Any:
        carried = headers or {}
        if HEADER not in carried:
            carried = {**carried, HEADER: str(scope.current())}
        return super().apply_async(*args, headers=carried, **options)

    def delay_on_commit(self, **kwargs: Any) -> None:
        """Enqueue after COMMIT, for the tenant in scope now; a broker that is down raises nothing, a sweep will find the row."""
        publish = partial(self.apply_async, kwargs=kwargs, headers={HEADER: str(scope.current())})
        transaction.on_commit(publish, robust=True)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        carried = (self.request.headers or {}).get(HEADER)
        if carried is None:
            raise scope.NoTenant(f"{self.name} arrived without a tenant.")
        with scope.scoped_to(UUID(carried)):
            return super().__call__(*args, **kwargs)


def for_each_tenant(task: "Task[Any, Any]") -> None:
    """Enqueue a scoped task for every active tenant."""
    for tenant_id in Tenant.objects.filter(suspended_at=None).values_list("id", flat=True):
        with scope.scoped_to(tenant_id):
            task.delay()


@shared_task
def forget_sessions() -> None:
    """Those that ended, which open nothing any more."""
    SessionStore.clear_expired()
