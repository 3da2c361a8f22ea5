"""`POST /api/v1/visitors`: a web page gets a visitor's token, so that no browser ever holds a secret key."""

from datetime import UTC, datetime
from uuid import UUID

from django.http import HttpRequest
from ninja import Router

from apps.agents import faces
from apps.api.guards import ByOrigin, OriginNotAllowed
from apps.api.reference import chats as reference
from apps.api.schemas import VisitorRequest, VisitorResponse
from apps.chats import visitors
from apps.tenants import access, limits
from apps.tenants.address import client_address
from apps.tenants.hops import hop

router = Router(tags=["visitors"], auth=ByOrigin())


@router.post("/visitors", response=VisitorResponse, summary="Become a visitor", **reference.VISITOR)
async def welcome(request: HttpRequest, body: VisitorRequest) -> VisitorResponse:
    """Gives a page of an allowed origin a token for one new visitor of one agent. Ask for it once and keep it: whoever has it
    can read and continue that visitor's chats, from pages of the allowed origins.

    With `jwt`, which your own server signs with your organisation's identity secret, the visitor is that person, the same one
    on every device, and the token ends when the JWT does."""
    await limits.atake((limits.HELLO_IP, client_address(request)))
    admitted = await hop(access.by_agent)(body.agent, origin=request.auth)  # type: ignore[attr-defined]
    if admitted is None:
        raise OriginNotAllowed
    request.admitted = admitted  # type: ignore[attr-defined]
    with access.entered(admitted):
        visitor, chat = await hop(_met)(body)
        face = await hop(faces.of)(body.agent)
    if face is None:
        raise OriginNotAllowed
    expires_at = datetime.fromtimestamp(visitor.expires_at, UTC)
    return VisitorResponse(
        visitor=visitor.id,
        token=visitors.issue(visitor),
        expires_at=expires_at,
        agent=faces.shown(face),
        offers=face.offers,
        session_id=chat,
    )


def _met(body: VisitorRequest) -> tuple[visitors.Visitor, UUID | None]:
    """Who they are from here on, and the chat that they come back to."""
    admitted = access.current()
    assert admitted is not None
    if not body.jwt:
        return visitors.new(body.agent), None
    visitor = visitors.recognise(body.agent, body.jwt, admitted.tenant)
    return visitor, visitors.last_chat(visitor)
