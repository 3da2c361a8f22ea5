"""The only file that speaks to a Channels group: tells a tenant's open dashboards what they should now show."""

from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from apps.analysis import snapshots
from apps.tenants import scope


def group() -> str:
    """The name of the current tenant's dashboards; the id is fixed-length hex, so no two names can run together."""
    return f"dashboard.{scope.current().hex}"


def publish() -> None:
    """Send the current snapshot to every open dashboard of the tenant. A lost one is healed by the next."""
    layer: Any = get_channel_layer()
    async_to_sync(layer.group_send)(group(), {"type": "snapshot.taken", "snapshot": snapshots.take()})
