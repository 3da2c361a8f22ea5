"""The act of answering one exchange, apart from whoever asked: it runs as its own task and speaks into a reply log."""

import asyncio
import contextvars
import hashlib
import logging
import time
from collections.abc import AsyncGenerator
from uuid import UUID

from channels.db import database_sync_to_async

from apps.agents.providers import catalogue
from apps.agents.providers.base import ProviderError, Usage
from apps.chats import citations, conversations, events, prompts
from apps.chats.coalescer import Coalescer
from apps.chats.conversations import Asked, Outcome
from apps.chats.events import Frame
from apps.chats.models import ContentChat
from apps.chats.replylog import ReplyLog
from apps.knowledge import retrieval
from apps.tenants import scope

logger = logging.getLogger(__name__)

_running: dict[UUID, "Reply"] = {}
_turn: dict[UUID, "asyncio.Task[None]"] = {}


async def stream(chat_id: UUID, text: str, *, client_message_id: str) -> AsyncGenerator[Frame, None]:
    """Ask, then follow the reply: `ack` first, once the question is committed, its last frame ends the stream.

    Leaving early leaves the reply running. Asking again under the same client message id joins the same reply, or retells
    it if it is over. Raises BadMessage."""
    received_at = time.perf_counter()
    text = conversations.clean(text)
    asked = await database_sync_to_async(conversations.ask)(
        chat_id, text, client_message_id=client_message_id
    )
    reply = _running.get(asked.exchange.id) or (_begin(asked, received_at) if asked.is_new else None)
    yield events.ack(asked)
    if reply is None:
        for frame in events.retold(asked.exchange):
            yield frame
        return
    async for frame in reply.log.follow():
        yield frame


def stop(chat_id: UUID) -> bool:
    """Cancel the chat's running reply, keeping what it has said; False where nothing runs."""
    running = (reply for reply in _running.values() if reply.asked.chat.id == chat_id)
    return next((reply.stop() for reply in running if not reply.is_stopping), False)


async def settle() -> None:
    """Wait until every reply of this process has ended and been saved."""
    while _running:
        await asyncio.gather(*(reply.task for reply in _running.values()), return_exceptions=True)


class Reply:
    """One running reply: the exchange, its log, and the task that speaks into it."""

    task: "asyncio.Task[None]"

    def __init__(self, asked: Asked, received_at: float) -> None:
        self.asked = asked
        self.exchange: ContentChat = asked.exchange
        self.log = ReplyLog()
        self.said = Coalescer(self._emit)
        self.usage = Usage(0, 0)
        self.first_token_ms: int | None = None
        self._received_at = received_at
        self._deltas = 0
        self.is_stopping = False
        self._has_begun = False

    def stop(self) -> bool:
        """Cancel once: a second cancellation would interrupt the saving of what was said, and one before the task's first
        step would never reach `run`."""
        self.is_stopping = True
        return self.task.cancel() if self._has_begun else True

    async def run(self, tenant_id: UUID, predecessor: "asyncio.Task[None] | None") -> None:
        """Answer, save, and close the log, whatever happens."""
        with scope.scoped_to(tenant_id):
            try:
                self._has_begun = True
                if self.is_stopping:
                    raise asyncio.CancelledError
                if predecessor is not None:
                    await asyncio.wait([predecessor])
                await self._answer()
            except asyncio.CancelledError:
                await self._stopped()
            except ProviderError as error:
                logger.warning(
                    "Provider %s of agent %s: %s", self.asked.agent.provider, self.asked.agent.id, error
                )
                await self._failed(f"provider_{error.kind}", retryable=error.retryable)
            except Exception:
                logger.exception("Reply to exchange %s failed", self.exchange.id)
                await self._failed("internal", retryable=True)
            finally:
                self.log.close()

    async def _answer(self) -> None:
        agent, question = self.asked.agent, self.exchange.request
        self.log.append(events.started(self.exchange))
        found = await retrieval.search(agent.id, question, history=prompts.turns(self.asked.history))
        prompt = prompts.compose(agent, question, history=self.asked.history, found=found)
        async for piece in catalogue.load(agent.provider).stream(prompt):
            if isinstance(piece, Usage):
                self.usage = piece
            else:
                self.said.add(piece)
        self.said.flush()
        await self._completed(citations.resolve(self.said.text, found))

    async def _completed(self, cited: list[Frame]) -> None:
        usage = {"input_tokens": self.usage.input_tokens, "output_tokens": self.usage.output_tokens}
        seq = await self._save("completed", citations=tuple(cited), grounded=bool(cited), usage=usage)
        if seq is None:
            self.log.append(events.cancelled(self.exchange, seq=None, reason="superseded"))
            return
        sha256 = hashlib.sha256(self.said.text.encode()).hexdigest()
        self.log.append(events.citations(self.exchange, cited))
        self.log.append(
            events.completed(self.exchange, seq=seq, usage=usage, grounded=bool(cited), sha256=sha256)
        )

    async def _stopped(self) -> None:
        self.said.flush()
        seq = await self._save("stopped")
        self.log.append(events.cancelled(self.exchange, seq=seq, reason="stopped"))

    async def _failed(self, code: str, *, retryable: bool) -> None:
        self.said.flush()
        seq = await self._save("failed")
        self.log.append(events.failed(self.exchange, seq=seq, code=code, retryable=retryable))

    async def _save(self, state: str, **known: object) -> int | None:
        outcome = Outcome(
            state=state,
            response=self.said.text,
            first_token_ms=self.first_token_ms,
            total_ms=self._elapsed_ms(),
            **known,  # type: ignore[arg-type]
        )
        return await database_sync_to_async(conversations.finish)(self.exchange, outcome)

    def _emit(self, text: str) -> None:
        if self.first_token_ms is None:
            self.first_token_ms = self._elapsed_ms()
        self.log.append(events.delta(self.exchange, self._deltas, text))
        self._deltas += 1

    def _elapsed_ms(self) -> int:
        return round((time.perf_counter() - self._received_at) * 1000)


def _begin(asked: Asked, received_at: float) -> Reply:
    """Start answering in a context of its own: the reply outlives the request, and must not hold its connections."""
    reply = Reply(asked, received_at)
    chat_id, exchange_id = asked.chat.id, asked.exchange.id
    run = reply.run(scope.current(), _turn.get(chat_id))
    reply.task = asyncio.get_running_loop().create_task(run, context=contextvars.Context())
    _running[exchange_id] = reply
    _turn[chat_id] = reply.task
    reply.task.add_done_callback(lambda task: _forget(chat_id, exchange_id, task))
    return reply


def _forget(chat_id: UUID, exchange_id: UUID, task: "asyncio.Task[None]") -> None:
    _running.pop(exchange_id, None)
    if _turn.get(chat_id) is task:
        del _turn[chat_id]
