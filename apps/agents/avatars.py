"""The public address of an agent's picture: signed, so that it opens this one picture and tells no agent's id from another's."""

from uuid import UUID

from django.conf import settings
from django.core import signing

from apps.agents.models import Widget
from apps.tenants import cache, pictures, scope
from apps.tenants.pictures import Picture

_SIGNER = signing.Signer(salt="avatar")


def address(agent_id: UUID, stamp: str) -> str:
    """Absolute, and the same for as long as the picture is."""
    return f"{settings.PUBLIC_URL}/avatars/{_SIGNER.sign(f'{agent_id.hex}.{stamp}')}"


def find(signed: str) -> Picture | None:
    """The picture at an address; None where it was replaced, or its agent or tenant is gone."""
    try:
        agent, stamp = _SIGNER.unsign(signed).split(".")
    except (signing.BadSignature, ValueError):
        return None
    tenant = cache.tenant_of_agent(UUID(agent))
    if tenant is None:
        return None
    with scope.scoped_to(tenant.id):
        widget = Widget.objects.filter(agent_id=UUID(agent)).first()
    if widget is None or widget.avatar is None or pictures.stamp(widget.avatar) != stamp:
        return None
    return pictures.shown(widget.avatar)
