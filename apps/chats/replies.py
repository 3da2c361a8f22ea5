"""Asking, and following, stopping and saving the replies: what every door calls."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from apps.agents.models import Agent
from apps.agents.providers.base import Turn
from apps.chats import conversations, events, hub, recall, relay
from apps.chats.answering import here
from apps.chats.chatlog import ChatLog
from apps.chats.conversations import Asked, Opening
from apps.chats.events import Entry, Position
from apps.chats.reply import Reply
from apps.knowledge import retrieval
from apps.knowledge.retrieval import Ahead
from apps.tenants import scope
from apps.tenants.hops import hop

__all__ = ["Opening", "here"]


@dataclass(frozen=True, slots=True)
class Question:
    """A question on record, and from where in its chat's log what follows can be read: nowhere, where that log had read of it in the
    database before whoever recorded it could tell it."""

    asked: Asked
    log: ChatLog
    start: int | None

    @property
    def ack(self) -> Entry:
        return self.asked.ack

    async def follow(self) -> hub.Feed:
        """Everything from the question on; the database is asked only where it was asked before."""
        if self.asked.is_new and self.start is not None and hub.here().has(self.log):
            return hub.here().attach(self.log, self.start, self.asked.seq - 1)
        return await hub.follow(self.asked.exchange.chat_id, Position(self.asked.seq - 1))

    async def answer(self) -> AsyncGenerator[Entry, None]:
        """The entries of this exchange up to the end of its reply, or to where a person takes over."""
        exchange, number = self.asked.exchange, self.asked.exchange.number
        if not self.asked.is_new and (exchange.has_ended or exchange.state == exchange.State.WAITING):
            for entry in await hop(recall.retold)(exchange):
                yield entry
            return
        feed = await self.follow()
        try:
            async for entry in feed:
                if entry.exchange == number:
                    yield entry
                if _ends_waiting(entry) or (entry.exchange == number and self._is_over(entry)):
                    return
        finally:
            feed.close()

    def _is_over(self, entry: Entry) -> bool:
        is_for_a_person = self.asked.exchange.state == "waiting" and entry.type == "message"
        return entry.type in events.ENDS or is_for_a_person


def _ends_waiting(entry: Entry) -> bool:
    """A person has the chat, or it is over; given back to the agent, it is answered after all."""
    if entry.type == "handoff":
        return bool(orjson.loads(entry.text)["state"] != "agent")
    return entry.type == "resolved"


async def ask(
    chat_id: UUID,
    text: str,
    *,
    client_message_id: str,
    opening: Opening | None = None,
    history: Sequence[Turn] | None = None,
    agent_id: UUID | None = None,
    recorded: Callable[[Asked], None] = lambda asked: None,
) -> Question:
    """Commit a question, call `recorded`, and begin to answer it; what is said goes to whoever follows the chat. Who knows of which
    agent the chat is says so: what there is to know can be looked up meanwhile.

    Asking again under the same client message id begins nothing. Raises BadMessage, NoSuchChat."""
    text = conversations.clean(text)
    agent_id = opening.agent_id if opening else agent_id
    has_turn = agent_id is not None and not here().is_giving(chat_id)
    known: dict[str, Any] = {"client_message_id": client_message_id, "opening": opening, "history": history}
    asking = _ask(chat_id, text, known, agent_id if has_turn else None, recorded)
    return await here().surely(chat_id, asking)


async def _ask(
    chat_id: UUID,
    text: str,
    known: dict[str, Any],
    agent_id: UUID | None,
    recorded: Callable[[Asked], None],
) -> Question:
    received_at = time.perf_counter()
    known["holder"] = await here().lease.hold()
    ahead = retrieval.ahead(agent_id, text) if agent_id else None
    with hub.here().kept(chat_id) as log:
        asked = await _committed(chat_id, text, known, ahead)
        start = log.end if (log.last_seq or 0) < asked.seq else None
        if asked.claim is not None:
            here().begin(asked.claim, log, received_at, ahead)
        recorded(asked)
        log.tell(asked.told)
        hub.here().heed(log)
    if not asked.is_new and asked.exchange.state in {"running", "queued"}:
        here().look_after(scope.current(), chat_id)
    elif asked.exchange.state == "queued" and asked.agent.second_message == Agent.SecondMessage.INTERRUPT:
        await make_way(chat_id, asked.exchange.number)
    return Question(asked, log, start)


async def _committed(chat_id: UUID, text: str, known: dict[str, Any], ahead: Ahead | None) -> Asked:
    """What was begun ahead is dropped where nothing is to be answered here and now."""
    asked = None
    try:
        asked = await hop(conversations.ask)(chat_id, text, **known)
        return asked
    finally:
        if ahead is not None and (asked is None or asked.claim is None):
            ahead.drop()


async def stream(
    chat_id: UUID,
    text: str,
    *,
    client_message_id: str,
    opening: Opening | None = None,
    history: Sequence[Turn] | None = None,
) -> AsyncGenerator[Entry, None]:
    """Ask, then follow the reply: `ack` first, once the question is committed; its last entry ends the stream.

    Leaving early leaves the reply running. Asking again under the same client message id joins the same reply, wherever it
    runs, or retells it if it is over. Raises BadMessage, NoSuchChat."""
    question = await ask(chat_id, text, client_message_id=client_message_id, opening=opening, history=history)
    yield question.ack
    answer = question.answer()
    try:
        async for entry in answer:
            yield entry
    finally:
        await answer.aclose()


async def stop(chat_id: UUID) -> bool:
    """Cancel the chat's running reply, in whichever process it runs, keeping what it has said; False where nothing runs."""
    reply = running_here(chat_id)
    if reply is None:
        return await here().surely(chat_id, _stop_elsewhere(chat_id, "stopped"))
    return reply.stop("stopped")


async def make_way(chat_id: UUID, number: int) -> None:
    """Interrupt what was asked before the message of this number, until nothing of it is answered, or about to be: of messages that
    come together each ends what the one before it has begun."""
    while not here().is_draining:
        reply = running_here(chat_id)
        if reply is None:
            if not await _stop_elsewhere(chat_id, "interrupted", before=number):
                return
        elif reply.exchange.number >= number:
            return
        else:
            reply.stop("interrupted")
            await asyncio.wait([reply.task])


async def _stop_elsewhere(chat_id: UUID, reason: str, *, before: int | None = None) -> bool:
    said = await heard(chat_id)
    holder = await here().lease.hold()
    cancel = hop(conversations.cancel)
    try:
        finished = await cancel(chat_id, reason=reason, said=said, holder=holder, before=before)
    except conversations.NoSuchChat:
        return False
    if finished is not None:
        here().carry_on(hub.here().log(chat_id), finished)
    return finished is not None


def running_here(chat_id: UUID) -> Reply | None:
    """The reply that this process is giving in a chat of the tenant in scope."""
    reply = here().running.get(chat_id)
    return reply if reply is not None and reply.log.tenant_id == scope.current() else None


async def heard(chat_id: UUID) -> Sequence[str] | None:
    """The deltas of the chat's running reply, as far as this process can know; None where it cannot."""
    reply = running_here(chat_id)
    if reply is not None:
        return reply.told
    running = await hop(conversations.answering)(chat_id)
    entries = await relay.heard(relay.key(scope.current().hex, chat_id.hex), running[1]) if running else None
    return None if entries is None else [entry.said for entry in entries]


async def rescue(chat_id: UUID) -> None:
    """Answer anew, under a new epoch, what a process that died has left; nothing where it lives."""
    if not here().is_giving(chat_id) and not here().is_draining:
        await here().surely(chat_id, _rescue(chat_id))


async def _rescue(chat_id: UUID) -> None:
    finished = await hop(conversations.take_up)(chat_id, holder=await here().lease.hold())
    if finished is not None:
        here().carry_on(hub.here().log(chat_id), finished)


async def settle() -> None:
    """Wait until every reply of this process has ended and been saved, also those that are being claimed just now."""
    while here().running or here().claiming:
        running = [reply.task for reply in here().running.values()]
        await (asyncio.gather(*running, return_exceptions=True) if running else asyncio.sleep(0.01))


async def drain(seconds: float) -> None:
    """Let replies finish for at most so long, while somebody follows them elsewhere; then leave the rest to others."""
    await here().drain(seconds)


hub.Hub.rescue = staticmethod(rescue)
hub.Hub.own_holder = staticmethod(lambda: here().lease.id)
