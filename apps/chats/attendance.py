"""Whether anybody of the staff is there: an open inbox says so every few seconds, and silence means no."""

import logging
from uuid import UUID

from apps.chats import bell
from apps.tenants import cache, scope, valkey

logger = logging.getLogger(__name__)
SECONDS = 60  # for which one sign of life counts: three of the heartbeat's pings


async def attend() -> None:
    """Somebody of the tenant in scope is there. Whoever waits learns it at once, where nobody was before."""
    tenant_id = scope.current()
    try:
        before = await valkey.client().set(_key(tenant_id), b"1", ex=SECONDS, get=True)
    except valkey.Unreachable as error:
        logger.info("Attendance could not be noted: %s", error)
        return
    if before is None:
        bell.ring(tenant_id, bell.NO_CHAT, 1)


def is_attended() -> bool:
    """Of the tenant in scope; no where Valkey gives no answer, so that a visitor rather leaves an address. For threads."""
    return cache.attempt(lambda: valkey.blocking().get(_key(scope.current()))) is not None


def _key(tenant_id: UUID) -> str:
    return cache.key(tenant_id, "attended")
