"""The visitor's socket: one agent, one visitor, one chat at a time."""

from contextlib import aclosing
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async

from apps.agents.models import Agent
from apps.chats import conversations, events, replies, visitors
from apps.chats.models import Chat, ContentChat
from consumers import frames
from consumers.base import Consumer


class ChatConsumer(Consumer):
    """Serves nothing before `hello` has said who the visitor is."""

    channel_layer_alias = "none"  # no groups here, so that a visitor is served while Valkey is not

    agent: Agent
    visitor: visitors.Visitor | None = None
    chat_id: UUID | None = None
    _wants_stop = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._asking: set[str] = set()  # messages sent and not yet acknowledged

    async def on_hello(self, frame: dict[str, Any]) -> None:
        agent_id: UUID = self.scope["url_route"]["kwargs"]["agent_id"]
        self.visitor, token = _visitor(frame, agent_id)
        asked_for = frames.uuid(frame, "chat")
        self.agent, chat, told = await database_sync_to_async(_recall)(agent_id, asked_for, self.visitor)
        self.chat_id = chat.id if chat else None
        await self.say(self._welcome(token, chat, told, recovered=chat is not None or asked_for is None))
        for exchange in told:
            if exchange.state == ContentChat.State.RUNNING:
                self.run(self._follow(exchange.request, exchange.client_message_id))

    async def on_message_send(self, frame: dict[str, Any]) -> None:
        visitor = self._require_visitor()
        message_id = frames.identifier(frame, "client_message_id")
        try:
            text = conversations.clean(frames.text(frame, "text"))
        except conversations.BadMessage as error:
            raise frames.BadFrame(error.code, str(error), client_message_id=message_id) from None
        if self.chat_id is None:
            chat = await database_sync_to_async(conversations.open_chat)(
                self.agent, visitor.id, client_message_id=message_id
            )
            self.chat_id = chat.id
        self._asking.add(message_id)
        self.run(self._follow(text, message_id))

    async def on_reply_stop(self, frame: dict[str, Any]) -> None:
        """Stops the running reply; or the one about to run, when it was sent right behind its message."""
        self._require_visitor()
        if self.chat_id is not None and replies.stop(self.chat_id):
            return
        if not self._asking:
            raise frames.BadFrame("nothing_to_stop", "No reply is running.")
        self._wants_stop = True

    async def _follow(self, text: str, client_message_id: str) -> None:
        assert self.chat_id is not None
        try:
            async with aclosing(
                replies.stream(self.chat_id, text, client_message_id=client_message_id)
            ) as told:
                async for frame in told:
                    if frame["type"] == "ack":
                        self._asked(client_message_id)
                    await self.say(frame)
        finally:
            self._asking.discard(client_message_id)  # also where it was never acknowledged
            self._wants_stop = self._wants_stop and bool(self._asking)

    def _asked(self, client_message_id: str) -> None:
        self._asking.discard(client_message_id)
        if self._wants_stop and self.chat_id is not None:
            self._wants_stop = False
            replies.stop(self.chat_id)

    def _require_visitor(self) -> visitors.Visitor:
        if self.visitor is None:
            raise frames.BadFrame("hello_first", 'Send "hello" first.')
        return self.visitor

    def _welcome(
        self, token: str, chat: Chat | None, told: list[ContentChat], *, recovered: bool
    ) -> events.Frame:
        return events.frame(
            "welcome",
            chat=chat.id if chat else None,
            token=token,
            agent={"id": self.agent.id, "name": self.agent.name, "greeting": self.agent.greeting},
            last_seq=chat.last_seq if chat else 0,
            recovered=recovered,
            messages=[events.message(exchange) for exchange in told],
        )


def _visitor(frame: dict[str, Any], agent_id: UUID) -> tuple[visitors.Visitor, str]:
    """Whose token this is, and the token as it came: handing out a fresh one would prolong it. One that does not hold, or
    none, starts a new visitor, who sees nobody's history."""
    token = frames.text(frame, "token", default="")
    try:
        return visitors.read(token, agent_id=agent_id), token
    except visitors.BadToken:
        visitor = visitors.new(agent_id)
        return visitor, visitors.issue(visitor)


def _recall(
    agent_id: UUID, chat_id: UUID | None, visitor: visitors.Visitor
) -> tuple[Agent, Chat | None, list[ContentChat]]:
    agent = Agent.objects.get(id=agent_id)
    if chat_id is None:
        return agent, None, []
    try:
        chat = conversations.find(chat_id, agent_id=agent_id, visitor=visitor.id)
    except conversations.NoSuchChat:
        return agent, None, []
    return agent, chat, list(chat.exchanges.order_by("number"))
