"""Who may use a REST route. Cookies count for nothing here: a browser that happens to be signed in is a stranger."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja.security import HttpBearer

from apps.tenants import audit, keys, limits, roles
from apps.tenants.access import Admitted, Forbidden
from apps.tenants.hops import hop


class OriginNotAllowed(PermissionError):
    """Pages of this origin may not talk to the agent, or there is no such agent; which of the two is not said."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a tenant's program under its key's prefix, or a visitor of one agent. Each has the chats that they opened, and a
    key that may read chats has every chat of its tenant."""

    name: str
    agent_id: UUID | None = None
    has_every_chat: bool = False

    @property
    def visitor(self) -> str | None:
        """Who they are on a web page; None for a program."""
        return self.name if self.agent_id else None

    @property
    def opener(self) -> str | None:
        """Who must have opened a chat for them to have it; None for anybody."""
        return None if self.has_every_chat else self.name


class ByKey(HttpBearer):
    """A tenant's API key; the middleware has read it and entered the tenant's scope. Each request is counted before anything else:
    a refusal is a line in a log that only grows."""

    guard = "key"

    def __init__(self, *abilities: str) -> None:
        """Any one of these abilities (roles.ABILITIES) will do."""
        super().__init__()
        assert abilities
        assert set(abilities) <= set(roles.ABILITIES), abilities
        self.abilities = abilities

    openapi_bearerFormat = "cwu_sk_…"  # noqa: N815  (OpenAPI's spelling)
    openapi_description = "A secret API key of your organisation. For servers; never put one into a web page."

    def __call__(self, request: HttpRequest) -> Any:
        return self.authenticate(request, bearer(request))

    async def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        admitted: Admitted | None = getattr(request, "admitted", None)
        if admitted is None or admitted.role != "key":
            return None
        name = keys.prefix(token)
        request.left = await limits.atake((limits.REQUEST_KEY, name))  # type: ignore[attr-defined]
        if not any(admitted.may(ability) for ability in self.abilities):
            await hop(_note_refusal)(request, self.abilities[0])
            raise Forbidden(self.abilities[0])
        return Caller(name, has_every_chat=admitted.may("chats.read"))


class ByVisitor(HttpBearer):
    """A visitor's token, sent by a page of an origin that the tenant allows; the middleware has read it."""

    guard = "visitor"
    openapi_bearerFormat = "visitor token"  # noqa: N815  (OpenAPI's spelling)
    openapi_description = (
        "A visitor's token from `POST /visitors`. For web pages; it opens that visitor's own chats alone."
    )

    def __call__(self, request: HttpRequest) -> Any:
        return self.authenticate(request, bearer(request))

    async def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        if getattr(request, "is_wrong_origin", False):
            raise OriginNotAllowed
        visitor = getattr(request, "visitor", None)
        if visitor is None:
            return None
        taken = (limits.REQUEST_VISITOR, f"{visitor.agent_id} {visitor.id}")
        request.left = await limits.atake(taken)  # type: ignore[attr-defined]
        return Caller(visitor.id, visitor.agent_id)


class ByOrigin:
    """A page that says where it is from; the route asks whether the agent's tenant allows that."""

    guard = "origin"

    def __call__(self, request: HttpRequest) -> str:
        if origin := origin_of(request):
            return origin
        raise OriginNotAllowed


def _note_refusal(request: HttpRequest, ability: str) -> None:
    audit.note(
        "request.refused", outcome=audit.REFUSED, ability=ability, path=f"{request.method} {request.path}"
    )


def bearer(request: HttpRequest) -> str:
    """The credential of the `Authorization` header, or nothing."""
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else ""


def origin_of(request: HttpRequest) -> str | None:
    """Where the asking page is from. Browsers leave `Origin` out of a GET to the page's own host, and say so."""
    if origin := request.headers.get("Origin"):
        return origin
    is_own = request.headers.get("Sec-Fetch-Site") == "same-origin"
    return f"{request.scheme}://{request.get_host()}" if is_own else None
