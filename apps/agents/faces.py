"""What visitors see of an agent, kept in the cache of its tenant: whoever opens a chat asks for it."""

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from apps.agents.models import Agent
from apps.tenants import cache, scope, watch


@dataclass(frozen=True, slots=True)
class Face:
    id: UUID
    name: str
    greeting: str


def of(agent_id: UUID) -> Face | None:
    """The face of an agent of the tenant in scope; None where there is none. One that was changed past its model is seen within
    a minute."""
    kept = cache.remember(_key(scope.current(), agent_id), "face", lambda: _read(agent_id))
    return Face(UUID(kept["id"]), kept["name"], kept["greeting"]) if kept else None


def _read(agent_id: UUID) -> dict[str, Any] | None:
    found = Agent.objects.filter(id=agent_id).values_list("id", "name", "greeting").first()
    return asdict(Face(*found)) | {"id": str(agent_id)} if found else None


def _key(tenant_id: UUID, agent_id: UUID) -> str:
    return cache.key(tenant_id, "face", agent_id.hex)


@receiver(post_save, sender=Agent, dispatch_uid="forget-face")
@receiver(post_delete, sender=Agent, dispatch_uid="forget-face")
def changed(instance: Agent, **known: Any) -> None:
    name = _key(instance.tenant_id, instance.id)
    transaction.on_commit(lambda: cache.forget(name), robust=True)
    if known["signal"] is post_delete:
        watch.push_on_commit()
