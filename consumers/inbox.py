"""The inbox's socket: staff watch the tenant's chats, read one of them along, and step in."""

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from apps.analysis import groundedness
from apps.chats import attendance, bell, conversations, events, frames, handoff, hub, inbox
from apps.tenants import access, scope
from apps.tenants.hops import hop
from consumers.base import AWAY, TYPING_EVERY, Consumer

_PAUSE, _RETRY = 0.3, 1.0


class InboxConsumer(Consumer):
    """One tab of the list and one open chat at a time. Both are sent whole, the latest wins, and only where they changed."""

    channel_layer_alias = "none"  # the bell tells what changed, also while no channel layer works

    chat_id: UUID | None = None
    _tab: str | None = None
    _limit = inbox.FEW
    _typed_at = 0.0
    _is_list_stale = _is_chat_stale = _is_refreshing = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._said: dict[str, Any] = {}
        self._unhear: list[Callable[[], None]] = []
        self._stop_typing: Callable[[], None] = lambda: None

    async def connect(self) -> None:
        self._context = contextvars.copy_context()  # a ring comes without the tenant's scope
        self._unhear.append(bell.listen(scope.current(), self._rung))
        await self.accept()
        self.run(attendance.attend())

    async def disconnect(self, code: int) -> None:
        self._close_chat()
        while self._unhear:
            self._unhear.pop()()
        await super().disconnect(code)

    async def on_pong(self, frame: dict[str, Any]) -> None:
        self.run(attendance.attend())

    # What staff ask for

    async def on_inbox_filter(self, frame: dict[str, Any]) -> None:
        tab = frames.text(frame, "filter")
        if tab not in inbox.TABS:
            raise frames.BadFrame("bad_frame", f"There is no filter called {tab[:40]!r}.", field="filter")
        self._tab, self._limit = tab, frames.number(frame, "limit", default=inbox.FEW, most=inbox.MANY)
        self._said.pop("inbox", None)
        self._is_list_stale = True
        self._is_chat_stale = self.chat_id is not None
        self._refresh_soon()

    async def on_chat_open(self, frame: dict[str, Any]) -> None:
        chat_id = _chat(frame)
        position = frames.position(frame)
        self._close_chat()
        try:
            feed = await hub.follow(chat_id, position)
        except conversations.NoSuchChat:
            raise _no_such_chat(chat_id) from None
        self.chat_id = chat_id
        self._stop_typing = hub.hear_typing(chat_id, self._typing_heard)
        with self.opening(feed):
            await self.say(events.frame("welcome", **feed.welcome))
            self.attach(feed)
        await self._tell_chat()

    async def on_chat_close(self, frame: dict[str, Any]) -> None:
        self._close_chat()

    async def on_take_over(self, frame: dict[str, Any]) -> None:
        await self._act(frame, handoff.take_over)

    async def on_hand_back(self, frame: dict[str, Any]) -> None:
        await self._act(frame, handoff.hand_back)

    async def on_resolve(self, frame: dict[str, Any]) -> None:
        await self._act(frame, handoff.resolve)

    async def on_message_send(self, frame: dict[str, Any]) -> None:
        message_id, text = frames.identifier(frame, "client_message_id"), frames.text(frame, "text")
        number = await self._act(frame, handoff.answer, text, client_message_id=message_id)
        kept = {"chat": _chat(frame), "client_message_id": message_id, "exchange": number}
        await self.say(events.frame("ack", **kept))

    async def on_note(self, frame: dict[str, Any]) -> None:
        message_id, text = frames.identifier(frame, "client_message_id"), frames.text(frame, "text")
        write = hop(inbox.write_note)
        await self._act(frame, write, text, client_message_id=message_id)
        await self.say(events.frame("noted", chat=_chat(frame), client_message_id=message_id))

    async def on_typing(self, frame: dict[str, Any]) -> None:
        """Only in the open chat, which was found to be one of this tenant's."""
        chat_id = _chat(frame)
        if chat_id != self.chat_id:
            raise _no_such_chat(chat_id)
        now = time.monotonic()
        if now - self._typed_at > TYPING_EVERY:
            self._typed_at = now
            bell.typing(chat_id, "staff", events.speaker(self.scope["user"]))

    async def _act(
        self, frame: dict[str, Any], action: Callable[..., Awaitable[Any]], *said: str, **named: str
    ) -> Any:
        """Do it, and tell this member of staff at once what it came to."""
        chat_id = _chat(frame)
        try:
            done = await action(chat_id, self.scope["user"], *said, **named)
        except conversations.NoSuchChat:
            raise _no_such_chat(chat_id, **named) from None
        except access.Forbidden as error:
            await self.note_refusal(error)
            raise frames.BadFrame("forbidden", str(error), chat=chat_id, **named) from None
        except handoff.NotYours as error:
            raise frames.BadFrame("not_yours", str(error), chat=chat_id, **named) from None
        except conversations.BadMessage as error:
            raise frames.BadFrame(error.code, str(error), chat=chat_id, **named) from None
        if chat_id == self.chat_id:
            await self._tell_chat()
        return done

    # What changes

    def _rung(self, chat_id: UUID) -> None:
        self._is_list_stale = True
        self._is_chat_stale = self._is_chat_stale or chat_id == self.chat_id
        self._refresh_soon()

    def _typing_heard(self, typing: dict[str, Any]) -> None:
        if typing["from"] == "visitor":
            self.run(self.say(events.frame("typing", chat=self.chat_id, **typing)))

    def _refresh_soon(self) -> None:
        if not self._is_refreshing:
            self._is_refreshing = True
            self._context.run(self.run, self._refresh())

    async def _refresh(self) -> None:
        """Send what is newest, pause, and again while there is something newer: the last fact always arrives."""
        try:
            while self._is_list_stale or self._is_chat_stale:
                is_chat_stale, self._is_list_stale, self._is_chat_stale = self._is_chat_stale, False, False
                try:
                    await self._tell_list()
                    if is_chat_stale:
                        await self._tell_chat()
                    pause = _PAUSE
                except AWAY:  # and no ring will come for it again
                    self._is_list_stale, self._is_chat_stale = True, self._is_chat_stale or is_chat_stale
                    pause = _RETRY
                await asyncio.sleep(pause)
        finally:
            self._is_refreshing = False

    async def _tell_list(self) -> None:
        if self._tab is None:
            return
        found = await hop(_list)(self._tab, self._limit)
        if found["filter"] == self._tab:
            await self._say_if_new("inbox", found)

    async def _tell_chat(self) -> None:
        if self.chat_id is None:
            return
        found = await hop(_beside)(self.chat_id)
        for kind, fields in found.items():
            if fields["chat"] == self.chat_id:
                await self._say_if_new(kind, fields)

    async def _say_if_new(self, kind: str, fields: dict[str, Any]) -> None:
        if self._said.get(kind) != fields:
            self._said[kind] = fields
            await self.say(events.frame(kind, **fields))

    def _close_chat(self) -> None:
        self.chat_id = None
        self._typed_at = 0.0
        self.detach()
        self._stop_typing()
        self._stop_typing = lambda: None
        self._said.pop("chat.state", None)
        self._said.pop("notes", None)


def _list(tab: str, limit: int) -> dict[str, Any]:
    chats, counts = inbox.listing(tab, limit), inbox.counts()
    return {"filter": tab, "limit": limit, "chats": chats, "counts": counts}


def _beside(chat_id: UUID) -> dict[str, dict[str, Any]]:
    state = inbox.state(chat_id) | {"verdicts": groundedness.in_chat(chat_id)}
    return {
        "chat.state": {"chat": chat_id, "state": state},
        "notes": {"chat": chat_id, "notes": inbox.noted(chat_id)},
    }


def _chat(frame: dict[str, Any]) -> UUID:
    chat_id = frames.uuid(frame, "chat")
    if chat_id is None:
        raise frames.BadFrame("bad_frame", '"chat" must be a UUID.', field="chat")
    return chat_id


def _no_such_chat(chat_id: UUID, **fields: str) -> frames.BadFrame:
    return frames.BadFrame("no_such_chat", "There is no such chat.", chat=chat_id, **fields)
