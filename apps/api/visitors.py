"""`POST /api/v1/visitors`: a web page gets a visitor's token, so that no browser ever holds a secret key."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from apps.api import reference
from apps.api.guards import ByOrigin, OriginNotAllowed
from apps.api.schemas import VisitorRequest, VisitorResponse
from apps.chats import visitors
from apps.tenants import access
from apps.tenants.hops import hop

router = Router(tags=["visitors"], auth=ByOrigin())


@router.post("/visitors", response=VisitorResponse, summary="Become a visitor", **reference.VISITOR)
async def welcome(request: HttpRequest, body: VisitorRequest) -> VisitorResponse:
    """Gives a page of an allowed origin a token for one new visitor of one agent. Ask for it once and keep it: whoever has it
    can read and continue that visitor's chats, from pages of the allowed origins."""
    admitted = await hop(access.by_agent)(body.agent, origin=request.auth)  # type: ignore[attr-defined]
    if admitted is None:
        raise OriginNotAllowed
    request.admitted = admitted  # type: ignore[attr-defined]
    visitor = visitors.new(body.agent)
    expires_at = timezone.now() + timedelta(days=settings.VISITOR_TOKEN_DAYS)
    return VisitorResponse(visitor=visitor.id, token=visitors.issue(visitor), expires_at=expires_at)
