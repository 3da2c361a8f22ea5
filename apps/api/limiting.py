"""How limits look over HTTP: what a request takes, and what its answer says is left."""

import math
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.api.guards import Caller
from apps.tenants import caps, limits, scope
from apps.tenants.address import client_address
from apps.tenants.limits import Left

HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After")


async def message(request: HttpRequest, agent_id: UUID) -> None:
    """One more message to this agent. Raises TooMany."""
    caller: Caller = request.auth  # type: ignore[attr-defined]
    visitor, address = caller.visitor or "", client_address(request)
    note(request, await limits.atake(*limits.of_message(agent_id, visitor=visitor, address=address)))


def crowd(request: HttpRequest) -> caps.Crowd:
    """Among whom a request counts that stays open while an agent answers."""
    caller: Caller = request.auth  # type: ignore[attr-defined]
    tenant = (caps.TENANT, scope.current())
    if caller.agent_id is None:
        return tenant, (caps.KEY, caller.name)
    return tenant, (caps.IP, client_address(request)), (caps.VISITOR, f"{caller.agent_id} {caller.name}")


def note(request: HttpRequest, left: Left | None) -> None:
    """Keep for the answer what is nearest to its end."""
    known: Left | None = getattr(request, "left", None)
    if left is not None and (known is None or left.share <= known.share):
        request.left = left  # type: ignore[attr-defined]


def tell(request: HttpRequest, response: HttpResponseBase) -> None:
    """The headers of draft-ietf-httpapi-ratelimit-headers-07, where something limits this route."""
    left: Left | None = getattr(request, "left", None)
    if left is not None:
        response["RateLimit-Limit"] = str(left.capacity)
        response["RateLimit-Remaining"] = str(left.remaining)
        response["RateLimit-Reset"] = str(math.ceil(left.seconds))
