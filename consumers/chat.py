"""The visitor's socket: one agent, one visitor, one chat at a time."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from apps.agents import faces
from apps.chats import acts, bell, conversations, events, frames, handoff, hub, line, replies, visitors
from apps.chats.conversations import Asked, BadMessage, NoSuchChat, Opening
from apps.chats.events import Position
from apps.tenants import access, caps, limits, watch
from apps.tenants.address import client_address
from apps.tenants.hops import hop
from consumers import arrivals, doors
from consumers.base import TYPING_EVERY, Consumer

logger = logging.getLogger(__name__)
_NO_CHAT: dict[str, Any] = {
    "chat": None,
    "handled_by": "agent",
    "name": None,
    "avatar": None,
    "resolved": False,
    "csat": None,
    "has_email": False,
    "last_seq": 0,
    "messages": [],
    "has_earlier": False,
}
_UNAVAILABLE = "This could not be saved. Send it again in a moment."


class ChatConsumer(Consumer):
    """Serves nothing before `hello` has said who the visitor is."""

    channel_layer_alias = "none"  # no groups here, so that a visitor is served while Valkey is not

    agent: faces.Face
    visitor: visitors.Visitor | None = None
    chat_id: UUID | None = None
    _opening: Opening | None = None  # until the first message of a new chat is acknowledged
    _wants_stop = False
    _typed_at = 0.0
    _token = ""
    _context: dict[str, Any] | None = None  # said by the page before there was a chat

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._asking: set[str] = set()  # messages sent and not yet acknowledged
        self._turn = asyncio.Lock()
        self._end_hearing: Callable[[], None] = _nothing
        self._leave_line: Callable[[], None] = _nothing
        self._make_room: Callable[[], None] = _nothing

    async def on_hello(self, frame: dict[str, Any]) -> None:
        agent_id: UUID = self.scope["url_route"]["kwargs"]["agent_id"]
        asked_for, position = frames.uuid(frame, "chat"), frames.position(frame)
        if not await self._is_counted():
            return
        visitor, token = await arrivals.who(frame, agent_id)
        if not await self._has_room(visitor):
            return
        self.visitor = None
        self._forget_chat()
        self._become(visitor)
        is_fresh = frame.get("fresh") is True
        self.agent, found = await hop(arrivals.recalled)(agent_id, asked_for, visitor, is_fresh)
        self.visitor, self._token = visitor, token
        if found is not None:
            self.chat_id = found
            is_same = found == asked_for
            await self._follow(position if is_same else None, recovered=is_same or asked_for is None)
        else:
            await self._welcome({**_NO_CHAT, "recovered": asked_for is None})

    async def on_resume(self, frame: dict[str, Any]) -> None:
        self._require_visitor()
        if self.chat_id is None:
            raise frames.BadFrame("nothing_to_resume", "There is no chat yet.")
        await limits.atake(*self._act_limits())
        await self._follow(frames.position({"resume": frame}), recovered=False)

    async def on_message_send(self, frame: dict[str, Any]) -> None:
        visitor = self._require_visitor()
        message_id = frames.identifier(frame, "client_message_id")
        text = _clean(frames.text(frame, "text"), message_id)
        if self.chat_id is None:
            self._opening = Opening(self.agent.id, visitor.id)
            self.chat_id = conversations.chat_id_for(self._opening, message_id)
        self._asking.add(message_id)
        self.run(self._ask(self.chat_id, text, message_id, self._opening, self._limits()))

    async def on_reply_stop(self, frame: dict[str, Any]) -> None:
        """Stops the running reply; or the one about to run, when it was sent right behind its message."""
        self._require_visitor()
        is_here = self.chat_id is not None and replies.running_here(self.chat_id) is not None
        if self._asking and not is_here:
            self._wants_stop = True
        elif self.chat_id is None:
            raise frames.BadFrame("nothing_to_stop", "No reply is running.")
        else:
            self.run(acts.act(self.chat_id, frame, offers=self.agent.offers))

    async def on_handoff_request(self, frame: dict[str, Any]) -> None:
        visitor = self._require_visitor()
        acts.require(frame, self.agent.offers)
        if self.chat_id is None:
            self._opening = Opening(self.agent.id, visitor.id)
            self.chat_id = conversations.chat_id_for(self._opening)
        costs = self._act_limits() if self._opening is None else (*self._act_limits(), *self._limits())
        self.run(self._request(self.chat_id, self._opening, frame, costs))

    async def on_feedback(self, frame: dict[str, Any]) -> None:
        self._act(frame)

    async def on_csat(self, frame: dict[str, Any]) -> None:
        self._act(frame)

    async def on_email(self, frame: dict[str, Any]) -> None:
        self._act(frame)

    async def on_context(self, frame: dict[str, Any]) -> None:
        """Kept until there is a chat to say it of."""
        self._require_visitor()
        if self.chat_id is None or self._opening is not None:
            acts.read_context(frame)
            self._context = frame
        else:
            self._act(frame)

    async def on_typing(self, frame: dict[str, Any]) -> None:
        self._require_visitor()
        now = time.monotonic()
        if self.chat_id is not None and self._feed is not None and now - self._typed_at > TYPING_EVERY:
            self._typed_at = now
            bell.typing(self.chat_id, "visitor")

    def told(self, entry: events.Entry) -> None:
        if entry.type == "handoff":
            self._wait(entry.text.find('"state":"waiting"') > 0)

    async def disconnect(self, code: int) -> None:
        self._forget_chat()
        self._make_room()
        await super().disconnect(code)

    async def _ask(
        self,
        chat_id: UUID,
        text: str,
        message_id: str,
        opening: Opening | None,
        costs: tuple[limits.Asked, ...],
    ) -> None:
        try:
            async with self._turn:  # in the order in which they came
                question = await self._record(chat_id, text, message_id, opening, costs)
                if self._feed is None and self.chat_id == chat_id:
                    await self._hear_of(question)
            self._say_context()
            if self._wants_stop:
                self._wants_stop = False
                await replies.stop(chat_id)
        finally:
            self._asking.discard(message_id)  # also where it was never acknowledged
            self._wants_stop = self._wants_stop and bool(self._asking)

    async def _hear_of(self, question: replies.Question) -> None:
        """Tell the chat from this message on, unless another frame has begun to tell it meanwhile."""
        feed = await question.follow()
        with self.opening(feed):
            if self._feed is not None or self.chat_id != feed.log.chat_id:
                feed.close()
                return
            if feed.welcome.get("recovered") is False:
                await self._welcome(feed.welcome)
            self._listen_to(feed)

    async def _record(
        self,
        chat_id: UUID,
        text: str,
        message_id: str,
        opening: Opening | None,
        costs: tuple[limits.Asked, ...],
    ) -> replies.Question:
        """Whatever goes wrong, the client learns that this message is not on record. `costs` is what it takes from limits, of whoever
        sent it: another `hello` may have come since."""
        named: dict[str, Any] = {"client_message_id": message_id}
        try:
            await limits.atake(*costs)
            known: dict[str, Any] = {"opening": opening, "agent_id": self.agent.id}
            return await replies.ask(chat_id, text, **named, **known, recorded=self._recorded)
        except limits.TooMany as error:
            raise frames.too_many(error, **named) from None
        except BadMessage as error:
            raise frames.BadFrame(error.code, str(error), **named) from None
        except NoSuchChat as error:
            raise frames.BadFrame("no_such_chat", str(error), **named) from None
        except access.NotAdmitted:
            raise
        except Exception as error:
            if not isinstance(error, DatabaseError | InterfaceError):
                logger.exception("A message could not be recorded")
            raise frames.BadFrame("unavailable", _UNAVAILABLE, **named) from None

    def _become(self, visitor: visitors.Visitor) -> None:
        """From here on the socket is open for as long as this visitor's token."""
        admitted = arrivals.admitted_as(visitor)
        access.become(admitted)
        if self.stay is not None:
            watch.here().become(self.stay, admitted)

    async def _is_counted(self) -> bool:
        """Whether this address may say hello again, before what it says is looked at; otherwise the socket is closed."""
        try:
            await limits.atake((limits.HELLO_IP, client_address(self.scope)))
        except limits.TooMany as error:
            await self.close(doors.TOO_MANY, str(error))
            return False
        return True

    async def _has_room(self, visitor: visitors.Visitor) -> bool:
        """Whether this visitor may come in too; otherwise the socket is closed."""
        self._make_room()
        try:
            self._make_room = caps.hold((caps.VISITOR, f"{visitor.agent_id} {visitor.id}"))
        except limits.TooMany as error:
            await self.close(doors.TOO_MANY, str(error))
            return False
        return True

    def _limits(self) -> tuple[limits.Asked, ...]:
        visitor, address = self._require_visitor(), client_address(self.scope)
        return limits.of_message(self.agent.id, visitor=visitor.id, address=address)

    def _act_limits(self) -> tuple[limits.Asked, ...]:
        return limits.of_act(self.agent.id, self._require_visitor().id)

    def _recorded(self, asked: Asked) -> None:
        """Acknowledged before anything else is told of it."""
        self._opening = None
        self._asking.discard(asked.exchange.client_message_id)
        self.send_soon(asked.ack.text)

    async def _request(
        self,
        chat_id: UUID,
        opening: Opening | None,
        frame: dict[str, Any],
        costs: tuple[limits.Asked, ...],
    ) -> None:
        """Where it opens the chat it counts as a message does, too."""
        async with self._turn:
            await limits.atake(*costs)
            if opening is not None:
                await self._begin_with_a_person(chat_id, opening)
            else:
                if self._feed is None and self.chat_id == chat_id:
                    await self._follow(None, recovered=True)
                await acts.act(chat_id, frame, offers=self.agent.offers)
        self._say_context()

    async def _begin_with_a_person(self, chat_id: UUID, opening: Opening) -> None:
        """The chat and the asking are one transaction. Its name is told before, so that who is cut off comes back to it."""
        if is_unread := self._feed is None and self.chat_id == chat_id:
            await self._welcome({**_NO_CHAT, "chat": chat_id, "recovered": True})
        await handoff.request(chat_id, opening=opening)
        self._opening = None
        if is_unread and self.chat_id == chat_id:
            feed = await hub.follow(chat_id, Position(0))
            with self.opening(feed):
                self._listen_to(feed)

    def _act(self, frame: dict[str, Any]) -> None:
        self._require_visitor()
        if self.chat_id is None:
            raise frames.BadFrame("no_such_chat", "There is no chat yet.")
        self.run(self._acted(self.chat_id, frame))

    async def _acted(self, chat_id: UUID, frame: dict[str, Any]) -> None:
        await limits.atake(*self._act_limits())
        async with self._turn:  # two thumbs in a row count in their order
            await acts.act(chat_id, frame, offers=self.agent.offers)

    def _say_context(self) -> None:
        """What the page said before there was a chat."""
        frame, self._context = self._context, None
        if frame is not None:
            self._act(frame)

    async def _follow(self, position: Position | None, *, recovered: bool) -> None:
        """Tell the chat from here on; `recovered` says whether being told all of it is what was asked for."""
        assert self.chat_id is not None
        self.detach()
        feed = await hub.follow(self.chat_id, position)
        is_whole = feed.welcome["recovered"] and (recovered or position is not None)
        with self.opening(feed):
            await self._welcome({**feed.welcome, "recovered": is_whole})
            self._listen_to(feed)

    def _listen_to(self, feed: hub.Feed) -> None:
        self._end_hearing()
        self._end_hearing = hub.hear_typing(feed.log.chat_id, self._typing)
        self.attach(feed)

    def _typing(self, heard: dict[str, Any]) -> None:
        if heard["from"] == "staff":
            self.send_soon(events.encode(events.frame("typing", **heard)))

    async def _welcome(self, told: dict[str, Any]) -> None:
        shown = {"agent": faces.shown(self.agent), "offers": self.agent.offers}
        await self.say(events.frame("welcome", token=self._token, **shown, **told))
        self._wait(told["handled_by"] == "waiting")

    def _wait(self, is_waiting: bool) -> None:
        self._leave_line()
        self._leave_line = _nothing
        if is_waiting and self.chat_id is not None:
            self._leave_line = line.join(self.chat_id, self._placed)

    def _placed(self, place: line.Place) -> None:
        self.send_soon(events.encode(events.frame("queue", **place._asdict())))

    def _forget_chat(self) -> None:
        self._end_hearing()
        self._leave_line()
        self._end_hearing = self._leave_line = _nothing
        self.detach()
        self.chat_id = self._opening = None

    def _require_visitor(self) -> visitors.Visitor:
        if self.visitor is None:
            raise frames.BadFrame("hello_first", 'Send "hello" first.')
        return self.visitor


def _nothing() -> None: ...


def _clean(text: str, message_id: str) -> str:
    try:
        return conversations.clean(text)
    except BadMessage as error:
        raise frames.BadFrame(error.code, str(error), client_message_id=message_id) from None
