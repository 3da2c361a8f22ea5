"""`POST /api/v1/chat`: one question, one whole answer."""

import uuid
from uuid import UUID

from channels.db import database_sync_to_async
from django.http import HttpRequest
from ninja import Router

from apps.agents.models import Agent
from apps.api.problems import NotFound, ReplyFailed
from apps.api.schemas import ChatRequest, ChatResponse
from apps.chats import conversations, replies
from apps.chats.models import Chat, ContentChat

router = Router(tags=["chat"])
VISITOR = "api"


@router.post("/chat", response=ChatResponse, summary="Ask an agent")
async def ask(request: HttpRequest, body: ChatRequest) -> ChatResponse:
    """Continue the chat of `session_id`, or begin one; answers when the reply is complete."""
    text = conversations.clean(body.message)
    chat = await database_sync_to_async(_chat)(body.agent, body.session_id)
    message_id = f"rest-{uuid.uuid4()}"
    ended: dict[str, object] = {}
    async for frame in replies.stream(chat.id, text, client_message_id=message_id):
        ended = frame
    if ended["type"] == "reply.failed":
        raise ReplyFailed(str(ended["code"]))
    return await database_sync_to_async(_response)(body, chat, message_id)


def _chat(agent_id: UUID, session_id: UUID | None) -> Chat:
    if session_id is not None:
        return conversations.find(session_id, agent_id=agent_id)
    agent = Agent.objects.filter(id=agent_id).first()
    if agent is None:
        raise NotFound("There is no agent with this id.")
    return conversations.open_chat(agent, VISITOR)


def _response(body: ChatRequest, chat: Chat, message_id: str) -> ChatResponse:
    exchange = ContentChat.objects.get(chat=chat, client_message_id=message_id)
    return ChatResponse(
        agent=body.agent,
        message=body.message,
        session_id=chat.id,
        response=exchange.response,
        exchange_id=exchange.id,
        citations=exchange.citations,
        grounded=bool(exchange.grounded),
        handled_by=chat.handled_by,
        usage=exchange.usage,
        created_at=exchange.created_at,
    )
