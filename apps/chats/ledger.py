"""One transaction's writes to one chat: the durable events are numbered, saved and told of together with what they report."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.agents import budgets
from apps.agents.models import Agent
from apps.agents.providers.base import Turn
from apps.chats import bell, events, signals
from apps.chats.events import Entry
from apps.chats.models import Chat, ContentChat, Event
from apps.tenants import access, portraits
from apps.tenants.postgres import prepared
from apps.tenants.postgres.prepared import Prepared, Row, Table

_HISTORY = 6
State, HandledBy = ContentChat.State, Chat.HandledBy


@dataclass(frozen=True, slots=True)
class Opening:
    """With whom a chat begins that does not exist yet."""

    agent_id: UUID
    visitor: str


class NoSuchChat(LookupError):
    """No chat of this tenant, agent and visitor has that session id."""


class Page(NamedTuple):
    """A locked chat as somebody who asks in it finds it: the exchange that their message made before, if it did, and the last turns,
    oldest first."""

    chat: Chat
    known: ContentChat | None
    history: tuple[Turn, ...]


class Ledger:
    """Open on a locked chat; `told` is what it recorded, to be delivered after COMMIT."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self._events: list[Event] = []
        self._added: list[ContentChat] = []
        self.told: list[Entry] = []

    def record(self, kind: str, **body: Any) -> int:
        """A durable event takes the chat's next `seq`."""
        self.chat.last_seq += 1
        event = Event(chat=self.chat, seq=self.chat.last_seq, type=kind, body=body)
        self._events.append(event)
        self.told.append(events.durable(event))
        return event.seq

    def enter(self, request: str = "", **fields: Any) -> ContentChat:
        """The chat's next exchange, not saved yet."""
        self.chat.last_exchange += 1
        return ContentChat(chat=self.chat, number=self.chat.last_exchange, request=request, **fields)

    def add(self, exchange: ContentChat) -> None:
        self._added.append(exchange)

    def claim(self, exchange: ContentChat, holder: UUID) -> None:
        """Begin a reply to this exchange, not saved yet: every reply bumps the epoch, so an older one can save no more."""
        self.chat.epoch += 1
        self.chat.answering = exchange.number
        exchange.state, exchange.epoch, exchange.holder = State.RUNNING, self.chat.epoch, holder
        exchange.attempts += 1
        exchange.version = self.chat.agent.version
        self.record(events.STARTED, exchange=exchange.number, epoch=exchange.epoch)

    def cancel(self, reason: str, said: Sequence[str] | None) -> ContentChat | None:
        """End the running reply from outside, keeping its deltas as far as they are known; None where nothing runs."""
        running = self.running()
        if running is None:
            return None
        self.chat.answering = 0
        self.chat.epoch += 1
        running.state, running.reason = State.STOPPED, reason
        running.response, running.cuts = "".join(said or ()), [len(piece) for piece in said or ()]
        running.save(update_fields=["state", "reason", "response", "cuts"])
        # All that was reserved: whoever ends it from outside cannot know what it has cost.
        budgets.settle(running.id, self.chat.agent, None)
        name = {"exchange": running.number, "epoch": running.epoch}
        digest = None if said is None else events.sha256(running.response)
        self.record("reply.cancelled", **name, reason=reason, sha256=digest)
        signals.ring_after_commit(running.id)
        return running

    def running(self) -> ContentChat | None:
        number = self.chat.answering
        return self.exchange(_RUNNING, number=number) if number else None

    def exchange(self, chosen: Prepared, **named: Any) -> ContentChat | None:
        """The first of this chat's exchanges that a statement of `exchanges` finds."""
        return _exchange(self.chat, chosen.first(chat=self.chat.id, **named))

    def hand(self, state: str, *, by: str, staff: Any = None) -> None:
        """Say who handles the chat from here on. Replies that run then are late."""
        self.chat.epoch += 1
        self.chat.handled_by = state
        self.chat.assignee = staff
        self.chat.waiting_since = timezone.now() if state == HandledBy.WAITING else None
        person = _person(staff) if staff else {}
        self.record("handoff", state=str(state), epoch=self.chat.epoch, by=by, **person)

    def assign(self, staff: Any) -> None:
        """Another member of staff has it now; the visitor only sees another name and face."""
        self.chat.assignee = staff
        self.record("assigned", **_person(staff))

    def say(self, exchange: ContentChat, staff: Any) -> None:
        """A message of staff."""
        body = {"exchange": exchange.number, "client_message_id": exchange.client_message_id, "from": "staff"}
        self.record("message", **body, name=events.speaker(staff), text=exchange.response)

    def end(self, by: str) -> None:
        """The chat is over; if it is opened again, the agent has it."""
        self.chat.resolved_at = timezone.now()
        self.chat.handled_by, self.chat.assignee, self.chat.waiting_since = HandledBy.AGENT, None, None
        self.record("resolved", by=by)

    def park(self) -> None:
        """What is queued for the agent waits for a person."""
        self.chat.exchanges.filter(state=State.QUEUED).update(state=State.WAITING)

    def history(self, before: int) -> tuple[Turn, ...]:
        """The chat's last turns before an exchange, oldest first."""
        return _turns(_HISTORY_BEFORE.rows(chat=self.chat.id, number=before) if before > 1 else [])

    def close(self) -> None:
        if self._events:
            self.chat.last_at = timezone.now()
            with prepared.together():
                self._write()
            ring = partial(bell.ring, self.chat.tenant_id, self.chat.id, self.chat.last_seq)
            transaction.on_commit(ring, robust=True)

    def _write(self) -> None:
        for exchange in self._added:
            _ADD_EXCHANGE.run(**EXCHANGES.values(exchange))
        _KEEP_CHAT.run(**_CHATS.values(self.chat, *_MOVING))
        for event in self._events:
            _ADD_EVENT.run(**_EVENTS.values(event))


@contextmanager
def opened(chat: UUID | Chat, *, may: str | None = None, opening: Opening | None = None) -> Iterator[Ledger]:
    """Lock a chat, which an `opening` makes where there is none; write, commit. One that is given was locked before, in a transaction
    that goes on. `may` is the ability that whoever acts must have at this moment. Raises NoSuchChat, NotAdmitted, Forbidden."""
    with transaction.atomic(savepoint=not isinstance(chat, Chat)):
        if may is not None:
            access.recheck(may)
        if opening is not None and not isinstance(chat, Chat):
            add(chat, opening)
        ledger = Ledger(chat if isinstance(chat, Chat) else locked(chat))
        yield ledger
        ledger.close()


def locked(chat_id: UUID) -> Chat:
    """The chat, which nobody else writes to until this transaction ends. Raises NoSuchChat."""
    return _chat(_LOCK.first(chat=chat_id))


def turned_to(chat_id: UUID, message: str, opening: Opening | None, *, may: str) -> Page:
    """The chat, locked, where there is one or an opening to make one by; in one round trip, each part of which sees what there is once
    the part before it has its answer. Raises NoSuchChat, also where there is no such agent, NotAdmitted, Forbidden."""
    with prepared.together():
        if opening is not None:
            add(chat_id, opening)
        chat = _LOCK.asked(chat=chat_id)
        known = _BY_MESSAGE.asked(chat=chat_id, message=message)
        last = _HISTORY_BEFORE.asked(chat=chat_id, number=_NONE_YET)
        access.recheck(may)
        found = _chat(chat.fetchone())
        return Page(found, _exchange(found, known.fetchone()), _turns(last.fetchall()))


def add(chat_id: UUID, opening: Opening) -> None:
    """A chat with this id, unless it is there already."""
    chat = Chat(id=chat_id, agent_id=opening.agent_id, visitor=opening.visitor)
    _ADD_CHAT.run(**_CHATS.values(chat))


def exchanges(condition: str) -> Prepared:
    """A statement for `Ledger.exchange`."""
    return Prepared(
        f"SELECT {EXCHANGES.columns('e')} FROM chats_contentchat e "
        f"WHERE tenant_id = %(tenant)s AND chat_id = %(chat)s AND {condition}"
    )


def _person(staff: Any) -> dict[str, str | None]:
    return {"name": events.speaker(staff), "avatar": portraits.address_of(staff)}


def _chat(row: Row | None) -> Chat:
    if row is None:
        raise NoSuchChat("There is no such chat.")
    chat = _CHATS.read(row)
    chat.agent = _AGENTS.read(row, _CHATS.width)
    return chat


def _exchange(chat: Chat, row: Row | None) -> ContentChat | None:
    if row is None:
        return None
    found = EXCHANGES.read(row)
    found.chat = chat
    return found


def _turns(last: Sequence[Row]) -> tuple[Turn, ...]:
    return tuple(Turn(*row) for row in reversed(last))


_MOVING = (
    "handled_by", "assignee_id", "waiting_since", "resolved_at", "epoch", "last_seq", "last_exchange", "answering", "last_at",
)  # fmt: skip
_CHATS, _AGENTS, EXCHANGES, _EVENTS = Table(Chat), Table(Agent), Table(ContentChat), Table(Event)
_LOCK = Prepared(
    f"SELECT {_CHATS.columns('c')}, {_AGENTS.columns('a')} FROM chats_chat c "
    "JOIN agents_agent a ON (a.tenant_id, a.id) = (c.tenant_id, c.agent_id) "
    "WHERE c.tenant_id = %(tenant)s AND c.id = %(chat)s FOR UPDATE OF c"
)
_ADD_CHAT, _KEEP_CHAT = _CHATS.insertion("ON CONFLICT DO NOTHING"), _CHATS.change(*_MOVING)
_ADD_EXCHANGE, _ADD_EVENT = EXCHANGES.insertion(), _EVENTS.insertion()
_NONE_YET = 2**31 - 1  # a number that no exchange has
_BY_MESSAGE = exchanges("client_message_id = %(message)s")
_RUNNING = exchanges(f"number = %(number)s AND state = '{State.RUNNING}'")
_HISTORY_BEFORE = Prepared(
    "SELECT request, response FROM chats_contentchat WHERE tenant_id = %(tenant)s AND chat_id = %(chat)s "
    f"AND number < %(number)s AND state <> '{State.QUEUED}' ORDER BY number DESC LIMIT {_HISTORY}"
)
