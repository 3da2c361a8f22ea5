"""What the database knows of a chat, for whoever begins or goes on to read it."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from apps.chats import chatlog, conversations, events, ledger
from apps.chats.entries import Entry
from apps.chats.models import Chat, ContentChat, Event
from apps.tenants import portraits

LAST = 50  # exchanges that `welcome` retells
FARTHEST = 500  # events that are replayed; who missed more starts anew


@dataclass(frozen=True, slots=True)
class Recalled:
    """A chat as it was at `seq`; rows that changed since show it already, and the events after `seq` will retell that."""

    chat: Chat
    missed: list[Event]
    ended: dict[tuple[int, int], ContentChat]
    running: tuple[int, int] | None
    is_abandoned: bool
    holder: UUID | None
    avatar: str | None
    messages: list[dict[str, Any]] = field(default_factory=list)
    has_earlier: bool = False

    @property
    def seq(self) -> int:
        return self.chat.last_seq


def since(chat_id: UUID, seq: int) -> Recalled:
    """The events after `seq`, with the exchanges that ended in them."""
    chat = _chat(chat_id)
    missed = Event.objects.filter(chat=chat, seq__gt=seq, seq__lte=chat.last_seq).order_by("seq")
    return _recalled(chat, missed=list(missed[: FARTHEST + 1]))


def whole(chat_id: UUID) -> Recalled:
    """The last exchanges, oldest first."""
    chat = _chat(chat_id)
    known = chat.exchanges.filter(number__lte=chat.last_exchange).select_related("staff")
    found = list(reversed(known.order_by("-number")[: LAST + 1]))
    told = [events.message(exchange) for exchange in found[-LAST:]]
    return _recalled(chat, messages=told, has_earlier=len(found) > LAST)


def retold(exchange: ContentChat) -> list[Entry]:
    """One exchange that is over, whole, whatever came after it: its message, its reply's text, and how that ended."""
    kinds = {"message", *events.ENDS}
    recorded = Event.objects.filter(chat=exchange.chat_id, type__in=kinds, body__exchange=exchange.number)
    message, *ends = [events.durable(event) for event in recorded.order_by("seq")]
    return [message, *(chatlog.rest_of(exchange, None) + chatlog.cited(exchange) + ends if ends else [])]


def _chat(chat_id: UUID) -> Chat:
    chat = Chat.objects.select_related("assignee").filter(id=chat_id).first()
    if chat is None:
        raise ledger.NoSuchChat("There is no such chat.")
    return chat


def _recalled(chat: Chat, *, missed: list[Event] | None = None, **told: Any) -> Recalled:
    missed = missed or []
    numbers = {event.body["exchange"] for event in missed if event.type in events.ENDS} | {chat.answering}
    rows = {exchange.number: exchange for exchange in chat.exchanges.filter(number__in=numbers)}
    running = rows.get(chat.answering)
    return Recalled(
        chat,
        missed,
        {(row.number, row.epoch): row for row in rows.values() if row.has_ended},
        (running.number, running.epoch) if running else None,
        running is not None and not running.has_ended and running.holder not in conversations.alive(),
        running.holder if running is not None and not running.has_ended else None,
        portraits.address_of(chat.assignee),
        **told,
    )
