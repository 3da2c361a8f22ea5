"""What visitors see of an agent, kept in the cache of its tenant: whoever opens a chat asks for it."""

from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from apps.agents import avatars, widgets
from apps.agents.models import Agent, Widget
from apps.tenants import cache, pictures, scope, watch

# What every agent's widget may do; what its tenant decides is in Widget.offers.
ALWAYS = ("context", "frames", "fresh")
_SAID = ("name", "greeting", "suggestions", "language")
_LOOK = ("color", "theme", "position", "radius", "title", "launcher")


@dataclass(frozen=True, slots=True)
class Face:
    """`avatar` is the stamp of its picture; `appearance` what Widget says of its looks. Never what the agent is told, nor where it
    thinks."""

    id: UUID
    name: str
    greeting: str
    suggestions: list[str] = field(default_factory=list)
    language: str = ""
    offers: list[str] = field(default_factory=list)
    avatar: str | None = None
    appearance: dict[str, Any] = field(default_factory=dict)


def of(agent_id: UUID) -> Face | None:
    """The face of an agent of the tenant in scope; None where there is none. One that was changed past its model is seen within
    a minute."""
    kept = cache.remember(_key(scope.current(), agent_id), "face", lambda: _read(agent_id))
    return Face(**kept | {"id": UUID(kept["id"])}) if kept else None


def shown(face: Face) -> dict[str, Any]:
    """What a page is told of an agent."""
    avatar = avatars.address(face.id, face.avatar) if face.avatar else None
    told = {"id": face.id, **{name: getattr(face, name) for name in _SAID}}
    return told | {"avatar": avatar, "appearance": face.appearance}


def _read(agent_id: UUID) -> dict[str, Any] | None:
    agent = Agent.objects.filter(id=agent_id).only("id", "tenant_id", *_SAID).first()
    if agent is None:
        return None
    widget = widgets.of(agent)
    face = Face(
        id=agent.id,
        **{name: getattr(agent, name) for name in _SAID},
        offers=sorted({*widget.offers, *ALWAYS}),
        avatar=pictures.stamp(widget.avatar),
        appearance={name: getattr(widget, name) for name in _LOOK},
    )
    return asdict(face) | {"id": str(agent_id)}


def _key(tenant_id: UUID, agent_id: UUID) -> str:
    return cache.key(tenant_id, "face", agent_id.hex)


@receiver(post_save, sender=Agent, dispatch_uid="forget-face")
@receiver(post_delete, sender=Agent, dispatch_uid="forget-face")
def changed(instance: Agent, **known: Any) -> None:
    _forget(instance.tenant_id, instance.id)
    if known["signal"] is post_delete:
        watch.push_on_commit()


@receiver(post_save, sender=Widget, dispatch_uid="forget-face-of-widget")
def redrawn(instance: Widget, **known: Any) -> None:
    _forget(instance.tenant_id, instance.agent_id)


def _forget(tenant_id: UUID, agent_id: UUID) -> None:
    transaction.on_commit(lambda: cache.forget(_key(tenant_id, agent_id)), robust=True)
