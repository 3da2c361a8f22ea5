"""All writes to a chat. Each is one short transaction; what it reports was committed."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction
from django.utils import timezone

from apps.agents.models import Agent
from apps.chats import signals
from apps.chats.models import Chat, ContentChat, Event

MAX_MESSAGE = 4000
_HISTORY = 6


class NoSuchChat(LookupError):
    """No chat of this tenant, agent and visitor has that session id."""


class BadMessage(ValueError):
    """A message that cannot be asked; `code` is what the wire calls it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on record: its exchange, the agent who answers, and the exchanges before it, oldest first."""

    chat: Chat
    agent: Agent
    exchange: ContentChat
    history: tuple[ContentChat, ...]
    seq: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reply ended: what is saved with its exchange."""

    state: str
    response: str = ""
    citations: tuple[dict[str, Any], ...] = ()
    grounded: bool | None = None
    usage: dict[str, int] | None = None
    first_token_ms: int | None = None
    total_ms: int | None = None


def clean(text: str) -> str:
    """The message as it is stored. Raises BadMessage when it is empty, too long, or not text."""
    text = text.strip()
    if not text:
        raise BadMessage("message_empty", "The message is empty. Write a question.")
    if len(text) > MAX_MESSAGE:
        raise BadMessage(
            "message_too_long",
            f"The message has {len(text):,} characters; at most {MAX_MESSAGE:,} are possible.",
        )
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise BadMessage("message_not_text", "The message has characters that cannot be stored.")
    return text


def open_chat(agent: Agent, visitor: str, *, client_message_id: str | None = None) -> Chat:
    """A new chat. A visitor's first message names it, so that sending it again, its acknowledgement lost, opens no second."""
    named = f"{visitor} {client_message_id}" if client_message_id else secrets.token_hex()
    chat, _ = Chat.objects.get_or_create(
        id=uuid5(agent.id, named), defaults={"agent": agent, "visitor": visitor}
    )
    return chat


def find(session_id: UUID, *, agent_id: UUID, visitor: str | None = None) -> Chat:
    """The chat of this agent, and of this visitor where one is named. Raises NoSuchChat."""
    found = Chat.objects.filter(id=session_id, agent_id=agent_id)
    if visitor is not None:
        found = found.filter(visitor=visitor)
    chat = found.select_related("agent").first()
    if chat is None:
        raise NoSuchChat("There is no such chat.")
    return chat


@transaction.atomic
def ask(chat_id: UUID, text: str, *, client_message_id: str) -> Asked:
    """Record a question once: repeating a client message id returns the exchange it made the first time."""
    chat = Chat.objects.select_for_update(of=("self",)).select_related("agent").get(id=chat_id)
    if known := chat.exchanges.filter(client_message_id=client_message_id).first():
        return Asked(chat, chat.agent, known, (), _seq_of(known), is_new=False)
    history = tuple(reversed(chat.exchanges.order_by("-number")[:_HISTORY]))
    chat.last_exchange += 1
    exchange = chat.exchanges.create(
        number=chat.last_exchange, client_message_id=client_message_id, request=text, epoch=chat.epoch
    )
    seq = _record(chat, "message", exchange=exchange.number, text=text)
    signals.ring_after_commit(exchange.id)
    return Asked(chat, chat.agent, exchange, history, seq, is_new=True)


@transaction.atomic
def finish(exchange: ContentChat, outcome: Outcome) -> int | None:
    """Save how a reply ended and return its seq; None where the exchange was fenced off by a newer epoch."""
    chat = Chat.objects.select_for_update().get(id=exchange.chat_id)
    running = ContentChat.objects.filter(id=exchange.id, epoch=chat.epoch, state=ContentChat.State.RUNNING)
    saved = exchange.epoch == chat.epoch and running.update(
        state=outcome.state,
        response=outcome.response,
        citations=list(outcome.citations),
        grounded=outcome.grounded,
        usage=outcome.usage or {},
        first_token_ms=outcome.first_token_ms,
        total_ms=outcome.total_ms,
    )
    if not saved:
        return None
    seq = _record(chat, f"reply.{outcome.state}", exchange=exchange.number, epoch=exchange.epoch)
    signals.ring_after_commit(exchange.id)
    return seq


def give_up(*, before: datetime) -> int:
    """End replies that have run since before then as failed: their process died, and no visitor or member of staff should
    see one run for ever."""
    abandoned = ContentChat.objects.filter(state=ContentChat.State.RUNNING, created_at__lt=before)
    return sum(finish(exchange, Outcome("failed")) is not None for exchange in abandoned[:100])


def _record(chat: Chat, event: str, **body: Any) -> int:
    chat.last_seq += 1
    chat.last_at = timezone.now()
    chat.save(update_fields=["last_seq", "last_exchange", "last_at"])
    Event.objects.create(chat=chat, seq=chat.last_seq, type=event, body=body)
    return chat.last_seq


def _seq_of(exchange: ContentChat) -> int:
    return Event.objects.get(chat_id=exchange.chat_id, type="message", body__exchange=exchange.number).seq
