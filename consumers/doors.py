"""Admission at the handshake: decides once who may enter and holds that tenant's scope for the life of the socket."""

from typing import Any
from uuid import UUID

from channels.auth import AuthMiddlewareStack
from django.conf import settings

from apps.tenants import access, audit, caps
from apps.tenants.address import client_address
from apps.tenants.hops import hop
from apps.tenants.middleware import SESSION_KEY

Application = Any  # an ASGI application; Django types path() for views only
NOT_ADMITTED, WRONG_ORIGIN, NOWHERE, TOO_MANY = 4401, 4403, 4404, 4429


def _guarding(door: Application, guard: str) -> Application:
    """Mark a door with whom it lets in, for whoever lists the paths and their guards."""
    door.guard = guard
    return door


def visitors(inner: Application) -> Application:
    """Lets in pages of the agent's tenant's allowed origins."""

    async def door(connection: dict[str, Any], receive: Any, send: Any) -> None:
        agent_id = connection["url_route"]["kwargs"]["agent_id"]
        admitted = await hop(access.by_agent)(agent_id, origin=_header(connection, b"origin"))
        if admitted is None:
            await _turn_away(receive, send, WRONG_ORIGIN)
            return
        with access.entered(admitted):
            crowd = (caps.IP, client_address(connection)), (caps.TENANT, admitted.tenant.id)
            await _while_room(crowd, inner, {**connection, "admitted": admitted}, receive, send)

    return _guarding(door, "visitor")


def staff(inner: Application, ability: str) -> Application:
    """Reads the session cookie and lets in signed-in members of the tenant their session has chosen whose role includes the
    ability, from our own pages only."""

    async def door(connection: Any, receive: Any, send: Any) -> None:
        if not _is_same_origin(connection):
            await _turn_away(receive, send, WRONG_ORIGIN)
            return
        admitted = await hop(_member)(connection)
        if admitted is None or not admitted.may(ability):
            if admitted is not None:
                await hop(_note_refusal)(admitted, ability, connection["path"])
            await _turn_away(receive, send, NOT_ADMITTED)
            return
        with access.entered(admitted):
            crowd = ((caps.PERSON, str(connection["user"].pk)),)
            inside = {**connection, "admitted": admitted, "needs": ability}
            await _while_room(crowd, inner, inside, receive, send)

    return _guarding(AuthMiddlewareStack(door), "staff")


def nobody() -> Application:
    """Lets nobody in: no socket lives here."""

    async def door(connection: dict[str, Any], receive: Any, send: Any) -> None:
        await _turn_away(receive, send, NOWHERE)

    return _guarding(door, "nobody")


def _member(connection: dict[str, Any]) -> access.Admitted | None:
    chosen, name = connection["session"].get(SESSION_KEY), connection["session"].session_key
    return access.by_session(name, UUID(chosen)) if chosen and name else None


def _note_refusal(admitted: access.Admitted, ability: str, path: str) -> None:
    with access.entered(admitted):
        audit.note("socket.refused", outcome=audit.REFUSED, ability=ability, path=path)


def _is_same_origin(connection: dict[str, Any]) -> bool:
    """Exact, so that no other site's page can open a socket with our cookies (cross-site WebSocket hijacking)."""
    origin, host = _header(connection, b"origin"), _header(connection, b"host")
    if origin is None or host is None:
        return False
    scheme = "https" if connection.get("scheme") == "wss" else "http"
    return origin in {settings.PUBLIC_URL, f"{scheme}://{host}"}


def _header(connection: dict[str, Any], name: bytes) -> str | None:
    """The one value of a header; sent twice, it counts as missing."""
    values = [value for key, value in connection["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


async def _while_room(
    crowd: caps.Crowd, inner: Application, connection: Any, receive: Any, send: Any
) -> None:
    """Serve, and be counted meanwhile; where there are too many already, say so."""
    try:
        leave = caps.hold(*crowd)
    except caps.TooMany as error:
        await _turn_away(receive, send, TOO_MANY, str(error))
        return
    try:
        await inner(connection, receive, send)
    finally:
        leave()


async def _turn_away(receive: Any, send: Any, code: int, reason: str = "") -> None:
    """Accept and close: a refused handshake would reach the page as a bare 1006, without the reason."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": code, "reason": reason})
