"""What a web page's visitor does beside asking, where no socket gets through: the same frames, one a request."""

from typing import cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status

from apps.agents import faces
from apps.api import limiting
from apps.api.act_schemas import FrameRequest
from apps.api.guards import ByKey, ByVisitor, Caller
from apps.api.problems import NotFound
from apps.api.reference import chats as reference
from apps.chats import acts, conversations, transcripts
from apps.chats.models import Chat
from apps.tenants import limits
from apps.tenants.hops import hop

router = Router(tags=["chat"])


@router.post(
    "/chats/{uuid:session_id}/frames",
    response={202: None},
    summary="Do what a socket's frame does",
    auth=ByVisitor(),
    **reference.ACT,
)
async def act(request: HttpRequest, session_id: UUID, body: FrameRequest) -> Status[None]:
    """For pages that no WebSocket gets through from: `body` is a client's frame as docs/protocol.md has it, of the types
    `reply.stop`, `handoff.request`, `typing`, `feedback`, `csat`, `email` and `context`. What it comes to is told by the chat's
    events."""
    caller = cast(Caller, request.auth)  # type: ignore[attr-defined]
    frame = body.model_dump(exclude_unset=True)
    if frame["type"] not in acts.EPHEMERAL:
        limiting.note(request, await limits.atake(*limits.of_act(cast(UUID, caller.agent_id), caller.name)))
    chat = await hop(_found)(caller, session_id)
    await acts.act(chat.id, frame, offers=await hop(_offers)(chat))
    return Status(202, None)


@router.get(
    "/chats/{uuid:session_id}/transcript",
    summary="Download a chat",
    auth=[ByKey("chats.read", "chats.ask"), ByVisitor()],
    **reference.TRANSCRIPT,
)
async def transcript(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """The conversation as Markdown, as its visitor has seen it; visitors may where the agent's widget offers it."""
    return await hop(_transcript)(cast(Caller, request.auth), session_id)  # type: ignore[attr-defined]


def _transcript(caller: Caller, session_id: UUID) -> HttpResponse:
    chat = _found(caller, session_id)
    if caller.visitor and "transcript" not in _offers(chat):
        raise NotFound("This is not offered here.", "not_offered")
    response = HttpResponse(transcripts.written(chat), content_type="text/markdown; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="conversation-{chat.created_at:%Y-%m-%d}.md"'
    return response


def _found(caller: Caller, session_id: UUID) -> Chat:
    return conversations.find(session_id, agent_id=caller.agent_id, visitor=caller.opener)


def _offers(chat: Chat) -> list[str]:
    face = faces.of(chat.agent_id)
    return face.offers if face else []
