"""Tasks carry the tenant of whoever enqueued them."""

from uuid import UUID

import pytest
from celery import shared_task

from apps.tenants import scope
from apps.tenants.tasks import TenantTask
from tests.world import House

seen: list[UUID] = []


@shared_task(base=TenantTask, name="tests.note_tenant")
def note_tenant() -> None:
    seen.append(scope.current())


def test_a_task_enqueued_outside_a_scope_is_refused() -> None:
    with pytest.raises(scope.NoTenant):
        note_tenant.delay()


def test_a_message_without_its_tenant_is_refused() -> None:
    with pytest.raises(scope.NoTenant):
        note_tenant()


def test_a_task_runs_in_the_scope_it_was_enqueued_in(acme: House) -> None:
    seen.clear()
    with acme.scope():
        note_tenant.apply(headers={"cwu_tenant": str(acme.tenant.id)})
    assert seen == [acme.tenant.id]
    assert scope.current_or_none() is None
