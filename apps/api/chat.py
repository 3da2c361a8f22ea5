"""`POST /api/v1/chat`: one question, its whole answer or its events as they come; and reading a chat."""

import asyncio
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from typing import Annotated, Any, cast
from uuid import UUID, uuid4

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Header, Query, Router

from apps.agents import faces
from apps.api import following, idempotency, limiting, sse
from apps.api.guards import ByKey, ByVisitor, Caller
from apps.api.problems import Interrupted, NotFound, ReplyFailed
from apps.api.reference import chats as reference
from apps.api.schemas import ChatRequest, ChatResponse, History
from apps.chats import conversations, events, hub, line, replies
from apps.chats.conversations import Opening
from apps.chats.entries import Entry, Position
from apps.chats.models import Chat, ContentChat
from apps.tenants import caps, portraits
from apps.tenants.hops import hop

router = Router(tags=["chat"], auth=[ByKey("chats.ask"), ByVisitor()])
_READERS = [ByKey("chats.read", "chats.ask"), ByVisitor()]
MOST = 100
UNANSWERED = {ContentChat.State.QUEUED, ContentChat.State.RUNNING}

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=idempotency.LONGEST,
        pattern="^[ -~]+$",
        description="A name of your own for this request, at best a UUID. Repeated with the same body within 24 hours it"
        " joins the same answer instead of asking again; with another body it is refused (409).",
    ),
]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=r"^$|^[0-9]{1,15}\.[0-9]{1,9}\.[0-9]{1,9}\.(-1|[0-9]{1,9})$",
        description="The `id` of the last event that you have: what follows is told. Left out, the chat's last"
        " messages are told first, then what comes.",
    ),
]
Cursor = Annotated[str | None, Query(pattern="^[0-9]{1,9}$", description="`next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many exchanges at most.")]


@dataclass(frozen=True, slots=True)
class Message:
    """On its way: which chat it goes to, and the name under which repeating it asks nothing new."""

    chat_id: UUID
    text: str
    client_message_id: str
    opening: Opening | None


@router.post("/chat", response=ChatResponse, summary="Ask an agent", **reference.ASK)
async def ask(
    request: HttpRequest, body: ChatRequest, idempotency_key: Key = None
) -> ChatResponse | HttpResponseBase:
    """Continues the chat of `session_id`, or begins one, and answers when the reply is complete.

    With `Accept: text/event-stream` or `"stream": true` the reply's events are sent as they come instead; one that breaks
    off is continued by `GET /chats/{session_id}/events`, or by sending the same request again under its
    `Idempotency-Key`. Where people handle the chat, `response` is empty and `handled_by` says so.

    A client that hangs up does not stop the reply, unless nobody follows it for a minute."""
    message = await _message(_caller(request), body, idempotency_key)
    await limiting.message(request, body.agent)
    with ExitStack() as room:
        room.callback(caps.hold(*limiting.crowd(request)))
        question = await replies.ask(
            message.chat_id,
            message.text,
            client_message_id=message.client_message_id,
            opening=message.opening,
            agent_id=body.agent,
        )
        if _wants_stream(request, body):
            return await _streamed(question, room)
        await wait_for(question)
        return await hop(_answer)(body, message)


@router.get(
    "/chats/{uuid:session_id}",
    response=History,
    by_alias=True,
    summary="Read a chat",
    auth=_READERS,
    **reference.READ,
)
async def read(
    request: HttpRequest, session_id: UUID, cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """Its exchanges, oldest first, in pages. Those that are still being answered are among them."""
    return await hop(_history)(_caller(request), session_id, int(cursor or 0), limit)


@router.get("/chats/{uuid:session_id}/events", summary="Follow a chat", auth=_READERS, **reference.FOLLOW)
async def follow(
    request: HttpRequest, session_id: UUID, last_event_id: LastEventId = None
) -> HttpResponseBase:
    """Everything that happens in the chat from `Last-Event-ID` on, then what comes, until you hang up or the server
    restarts. The first event is `welcome`: with `recovered` false, or without `Last-Event-ID`, its `messages` replace all
    that you have; otherwise exactly what you missed follows. The events are described in docs/protocol.md."""
    caller = _caller(request)
    chat = await hop(conversations.find)(session_id, agent_id=caller.agent_id, visitor=caller.opener)
    asked_for = Position.parse(last_event_id) if last_event_id else None
    face = await hop(faces.of)(chat.agent_id)
    shown = {"agent": faces.shown(face), "offers": face.offers} if face else {}
    with ExitStack() as room:
        room.callback(caps.hold(*limiting.crowd(request)))
        feed = await hub.follow(session_id, asked_for)
        room.callback(asyncio.get_running_loop().call_soon_threadsafe, feed.close)
        leave = room.pop_all().close
    is_continued = asked_for is not None and feed.welcome["recovered"]
    start = cast(Position, asked_for) if is_continued else feed.position
    welcome = events.encode(events.frame("welcome", **shown, **feed.welcome))
    first = sse.event("welcome", welcome, position=None if is_continued else start)
    return sse.respond(
        following.told(feed), sse.Numbered(start), first=b"retry: 1000\n\n" + first, leave=leave
    )


async def _message(caller: Caller, body: ChatRequest, key: str | None) -> Message:
    text = conversations.clean(body.message)
    if caller.agent_id not in {None, body.agent}:
        raise NotFound("There is no agent with this id.")
    if body.session_id is not None:
        await hop(conversations.find)(body.session_id, agent_id=body.agent, visitor=caller.opener)
    meaning = {"agent": body.agent, "message": text, "session_id": body.session_id}
    if body.client_message_id is not None:
        meaning["client_message_id"] = body.client_message_id
    named = await name_of(caller, key, meaning)
    message_id = body.client_message_id or named
    if body.session_id is not None:
        return Message(body.session_id, text, message_id, None)
    opening = Opening(body.agent, caller.name)
    return Message(conversations.chat_id_for(opening, message_id), text, message_id, opening)


async def name_of(caller: Caller, key: str | None, meaning: dict[str, Any]) -> str:
    """The message's own id: that of the key's first use, or a new one."""
    if key is None:
        return f"rest-{uuid4()}"
    return f"rest-{(await hop(idempotency.recall)(caller.name, key, meaning)).id}"


async def wait_for(question: replies.Question) -> None:
    """Until the reply has ended, or this process is about to."""
    if question.asked.exchange.state not in UNANSWERED:
        return
    async with aclosing(question.answer()) as told:
        async for _ in told:
            pass


async def begun(question: replies.Question) -> tuple[Entry, sse.Told]:
    """The message itself, and what follows: reading begins here, so that nothing is missed until Django reads on."""
    told = question.answer()
    message = await anext(told, None)
    if message is None:
        raise Interrupted(question.asked.exchange.chat_id)
    return message, told


async def _streamed(question: replies.Question, room: ExitStack) -> HttpResponseBase:
    start = Position(question.asked.seq - 1)
    writer = sse.Numbered(start)
    acknowledged = sse.event(question.ack.type, question.ack.text, position=start)
    message, told = await begun(question)
    first = acknowledged + writer.write(message)
    return sse.respond(told, writer, first=first, leave=room.pop_all().close)


def _answer(body: ChatRequest, message: Message) -> ChatResponse:
    exchange = answered(message.chat_id, message.client_message_id)
    return ChatResponse(
        agent=body.agent,
        message=body.message,
        session_id=exchange.chat_id,
        response=exchange.response,
        state=exchange.state,
        reason=exchange.reason,
        exchange_id=exchange.id,
        citations=exchange.citations,
        grounded=bool(exchange.grounded),
        handled_by=exchange.chat.handled_by,
        usage=exchange.usage,
        created_at=exchange.created_at,
    )


def answered(chat_id: UUID, client_message_id: str) -> ContentChat:
    """The exchange, once its reply has ended. Raises ReplyFailed, or Interrupted where it goes on without us."""
    exchanges = ContentChat.objects.select_related("chat")
    exchange = exchanges.get(chat=chat_id, client_message_id=client_message_id)
    if exchange.state == ContentChat.State.FAILED:
        raise ReplyFailed(exchange.reason, chat_id)
    if exchange.state in UNANSWERED:
        raise Interrupted(chat_id)
    return exchange


def _history(caller: Caller, session_id: UUID, after: int, limit: int) -> dict[str, Any]:
    chat = conversations.find(session_id, agent_id=caller.agent_id, visitor=caller.opener)
    later = chat.exchanges.filter(number__gt=after).select_related("staff").order_by("number")
    found = list(later[: limit + 1])
    return {
        "session_id": chat.id,
        "agent": chat.agent_id,
        **events.handler(chat, portraits.address_of(chat.assignee)),
        "queue": _place(chat),
        "csat": chat.csat,
        "has_email": bool(chat.email),
        "messages": [events.message(exchange) for exchange in found[:limit]],
        "next_cursor": str(found[limit - 1].number) if len(found) > limit else None,
    }


def _place(chat: Chat) -> dict[str, Any] | None:
    is_waiting = chat.handled_by == Chat.HandledBy.WAITING
    place = line.places().get(chat.id) if is_waiting else None
    return place._asdict() if place else None


def _wants_stream(request: HttpRequest, body: ChatRequest) -> bool:
    if body.stream is not None:
        return body.stream
    return "text/event-stream" in request.headers.get("Accept", "").lower()


def _caller(request: HttpRequest) -> Caller:
    return cast(Caller, request.auth)  # type: ignore[attr-defined]
