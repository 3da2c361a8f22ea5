"""What visitors write and agents answer. Each write is one short transaction; what it returns was committed."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction

from apps.agents import budgets, calls, minds
from apps.agents.calls import Called
from apps.agents.minds import Mind
from apps.agents.models import Agent
from apps.agents.providers.base import ProviderError, Turn, Usage
from apps.chats import events, ledger, measures, prompts, signals
from apps.chats.events import Entry
from apps.chats.ledger import Ledger, NoSuchChat, Opening
from apps.chats.models import Chat, ContentChat, Event, Explanation, Process
from apps.knowledge import retrieval
from apps.knowledge.retrieval import Shelf
from apps.tenants.postgres import prepared

__all__ = ["NoSuchChat", "Opening"]

MAX_MESSAGE = 4000
MOST_ATTEMPTS = 3  # a reply that takes its process down is not tried for ever
BUDGET_EXHAUSTED = "budget_exhausted"  # why a reply fails that no budget allows
_CLAIMED = ("state", "epoch", "holder", "attempts", "version")
_KEPT = (
    "state",
    "reason",
    "response",
    "cuts",
    "citations",
    "grounded",
    "given",
    "usage",
    "first_token_ms",
    "total_ms",
)


class BadMessage(ValueError):
    """A message that cannot be asked; `code` is what the wire calls it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Claim:
    """A reply to be given by this process: its exchange, the agent, the turns before it, oldest first, where the agent may think (none
    where that is to be asked again, and refused), what it may read, and what is reserved for it where a budget limits it."""

    exchange: ContentChat
    agent: Agent
    history: tuple[Turn, ...]
    able: tuple[Mind, ...]
    shelf: Shelf
    reserved: Usage | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on record. `claim` is set where this process is to answer it now."""

    exchange: ContentChat
    agent: Agent
    seq: int
    is_new: bool
    told: tuple[Entry, ...] = ()
    claim: Claim | None = None

    @property
    def ack(self) -> Entry:
        return events.ack(self.exchange, self.seq)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reply ended: what is saved with its exchange, what it has cost as far as that is known, and whether the agent asks for
    a person."""

    state: str
    reason: str = ""
    response: str = ""
    cuts: tuple[int, ...] = ()
    citations: tuple[dict[str, Any], ...] = ()
    grounded: bool | None = None
    given: tuple[str, ...] = ()
    usage: dict[str, int] = field(default_factory=dict)
    first_token_ms: int | None = None
    total_ms: int | None = None
    spent: Usage | None = None
    retryable: bool = False
    wants_person: bool = False
    calls: tuple[Called, ...] = ()
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """What was recorded, the reply that this process is to give next, the one that was ended from outside with the text that
    was kept, and the epoch below which nothing counts any more."""

    told: tuple[Entry, ...]
    following: Claim | None = None
    kept: ContentChat | None = None
    fence: int = 0


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


def chat_id_for(opening: Opening, client_message_id: str | None = None) -> UUID:
    """A new chat's id. A visitor's first message names it, so that sending it again, its acknowledgement lost, opens no
    second."""
    named = f"{opening.visitor} {client_message_id}" if client_message_id else secrets.token_hex()
    return uuid5(opening.agent_id, named)


def find(session_id: UUID, *, agent_id: UUID | None = None, visitor: str | None = None) -> Chat:
    """The chat, if it is of this agent and of this visitor where they are named. Raises NoSuchChat."""
    known = {"agent_id": agent_id, "visitor": visitor}
    found = Chat.objects.filter(id=session_id, **{name: value for name, value in known.items() if value})
    chat = found.select_related("agent", "assignee").first()
    if chat is None:
        raise NoSuchChat("There is no such chat.")
    return chat


@transaction.atomic
def ask(
    chat_id: UUID,
    text: str,
    *,
    client_message_id: str,
    holder: UUID,
    opening: Opening | None = None,
    history: Sequence[Turn] | None = None,
) -> Asked:
    """Record a question once: repeating a client message id returns the exchange it made the first time. A `history` takes the
    place of what was said in the chat before.

    Raises BadMessage where the id was used for another text, NoSuchChat where there is no chat and no opening, NotAdmitted."""
    page = ledger.turned_to(chat_id, client_message_id, opening, may="chats.ask")
    chat = page.chat
    if page.known is not None:
        return _repeated(chat, page.known, text)
    with ledger.opened(chat) as book:
        if chat.resolved_at is not None:
            chat.resolved_at = None
        exchange = book.enter(text, client_message_id=client_message_id)
        heard = {"exchange": exchange.number, "client_message_id": client_message_id}
        seq = book.record("message", **heard, **{"from": "visitor"}, text=text)
        claim = _claim_or_queue(book, exchange, holder, page.history if history is None else history)
        book.add(exchange)
    signals.ring_after_commit(exchange.id)
    return Asked(exchange, chat.agent, seq, True, tuple(book.told), claim)


def finish(exchange: ContentChat, outcome: Outcome, *, holder: UUID | None = None) -> Finished | None:
    """Save how a reply ended, and claim what is queued behind it, for another holder where one is named; None where it was fenced
    off by a newer epoch."""
    with ledger.opened(exchange.chat_id) as book:
        running = book.running()
        if running is None or not running.epoch == exchange.epoch == book.chat.epoch:
            return None
        book.chat.answering = 0
        _end(book, running, outcome)
        _KEEP.run(**ledger.EXCHANGES.values(running, *_KEPT))
        _account(running, book.chat.agent, outcome)
        if outcome.wants_person and book.chat.handled_by == Chat.HandledBy.AGENT:
            book.hand(Chat.HandledBy.WAITING, by="agent")
            book.park()
        signals.ring_after_commit(exchange.id)
        following = claim_next(book, holder or exchange.holder)
    return Finished(tuple(book.told), following, running)


def _account(running: ContentChat, agent: Agent, outcome: Outcome) -> None:
    """What it cost, and why it said what it said."""
    budgets.settle(running.id, agent, outcome.spent, _recorded(running, agent, outcome.calls))
    if outcome.explanation is not None:
        outcome.explanation.exchange = running
        outcome.explanation.save(force_insert=True)


def _recorded(exchange: ContentChat, agent: Agent, made: Sequence[Called]) -> Decimal | None:
    """What these calls cost; None where there was none."""
    run = calls.Run(exchange.id, exchange.epoch)
    return calls.record(agent, made, run=run, version=exchange.version or 0) if made else None


def cancel(
    chat_id: UUID, *, reason: str, said: Sequence[str] | None, holder: UUID, before: int | None = None
) -> Finished | None:
    """Stop a reply that runs elsewhere, or whose process died; None where nothing runs, or only what was asked later."""
    with ledger.opened(chat_id) as book:
        if before is not None and book.chat.answering >= before:
            return None
        kept = book.cancel(reason, said)
        if kept is None:
            return None
        fence = book.chat.epoch
        following = claim_next(book, holder)
    return Finished(tuple(book.told), following, kept if said is not None else None, fence)


@transaction.atomic
def keep(claim: Claim, said: Sequence[str], made: Sequence[Called], explanation: Explanation | None) -> None:
    """What a reply took and had said that was ended from outside, and why, where whoever ended it could not know."""
    exchange = claim.exchange
    _recorded(exchange, claim.agent, made)
    named = {"body__exchange": exchange.number, "body__epoch": exchange.epoch}
    end = Event.objects.filter(chat=exchange.chat_id, type="reply.cancelled", **named).first()
    if end is None:  # it is given anew, and explained then
        return
    if explanation is not None:
        explanation.exchange = exchange
        Explanation.objects.bulk_create([explanation], ignore_conflicts=True)
    if end.body["sha256"] is None:  # otherwise the text that was kept is vouched for
        cuts = [len(piece) for piece in said]
        ContentChat.objects.filter(id=exchange.id).update(response="".join(said), cuts=cuts)


def answering(chat_id: UUID) -> tuple[int, int] | None:
    """The chat's running reply, by exchange and epoch."""
    running = ContentChat.objects.filter(chat_id=chat_id, state=ContentChat.State.RUNNING)
    return running.values_list("number", "epoch").first()


def take_up(chat_id: UUID, *, holder: UUID) -> Finished | None:
    """Claim a reply under a new epoch whose process died, or that the claiming process itself does not know; None where none
    was abandoned. One that was tried too often fails for good, and so does one that no budget allows a second time."""
    with ledger.opened(chat_id) as book:
        running = book.running()
        if running is None or running.holder in alive() - {holder}:
            return None
        budgets.settle(running.id, book.chat.agent, None)
        if running.attempts < MOST_ATTEMPTS:
            claim = _claimed(book, running, holder) or claim_next(book, holder)
            return Finished(tuple(book.told), claim)
        book.chat.answering = 0
        _end(book, running, Outcome("failed", reason="interrupted", retryable=True))
        running.save(update_fields=_KEPT)
        following = claim_next(book, holder)
    return Finished(tuple(book.told), following, running)


def claim_next(book: Ledger, holder: UUID | None) -> Claim | None:
    """Begin what is queued first, where the agent handles the chat; what no budget allows fails, and the next has its turn."""
    while holder is not None and book.chat.handled_by == Chat.HandledBy.AGENT:
        first = book.exchange(_QUEUED_FIRST)
        if first is None:
            return None
        if claim := _claimed(book, first, holder):
            return claim
    return None


def _claimed(book: Ledger, exchange: ContentChat, holder: UUID) -> Claim | None:
    claim = _begun(book, exchange, holder, book.history(exchange.number))
    if claim is None:
        signals.ring_after_commit(exchange.id)
    exchange.save(update_fields=[*_CLAIMED, *(() if claim else _KEPT)])
    return claim


def _begun(book: Ledger, exchange: ContentChat, holder: UUID, history: tuple[Turn, ...]) -> Claim | None:
    """Begin a reply and reserve what it may cost, or end it at once where no budget allows it; not saved yet. What it will need is
    looked up in one round trip."""
    agent = book.chat.agent
    book.claim(exchange, holder)
    with prepared.together():
        limiting, able = budgets.limits_asked(agent), minds.asked(agent.minds)
        shelf = retrieval.shelf_asked(agent.id)
    try:
        most = prompts.most(agent, exchange.request, history=history)
        reserved = budgets.reserve(exchange.id, agent, most, limiting=limiting())
        return Claim(exchange, agent, history, _able(able), shelf(), reserved)
    except budgets.BudgetExhausted:
        book.chat.answering = 0
        _end(book, exchange, Outcome("failed", reason=BUDGET_EXHAUSTED))
        measures.ended("failed", BUDGET_EXHAUSTED, None, {})
        return None


def _able(asked: Callable[[], tuple[Mind, ...]]) -> tuple[Mind, ...]:
    """Why there is none is raised where it can be told."""
    try:
        return asked()
    except ProviderError:
        return ()


def abandoned() -> list[UUID]:
    """Chats of this tenant whose reply is held by a process that lives no more."""
    running = ContentChat.objects.filter(state=ContentChat.State.RUNNING).exclude(holder__in=alive())
    return list(running.values_list("chat_id", flat=True)[:100])


def alive() -> set[UUID]:
    """The processes whose lease still holds, by the database's clock."""
    held = Process.objects.extra(where=["leased_until > clock_timestamp()"])
    return set(held.values_list("id", flat=True))


def _repeated(chat: Chat, known: ContentChat, text: str) -> Asked:
    if known.request != text:
        raise BadMessage(
            "message_id_taken", "Another message has this client_message_id. Send yours under a new one."
        )
    recorded = Event.objects.filter(chat=chat, type="message", body__exchange=known.number)
    return Asked(known, chat.agent, recorded.get().seq, is_new=False)


def _claim_or_queue(
    book: Ledger, exchange: ContentChat, holder: UUID, history: Sequence[Turn]
) -> Claim | None:
    if book.chat.handled_by != Chat.HandledBy.AGENT:
        exchange.state = ContentChat.State.WAITING
        return None
    if book.chat.answering:
        return None
    return _begun(book, exchange, holder, tuple(history))


def _end(book: Ledger, running: ContentChat, outcome: Outcome) -> None:
    """Not saved yet."""
    for name in _KEPT:
        setattr(running, name, getattr(outcome, name))
    body: dict[str, Any] = {"exchange": running.number, "epoch": running.epoch}
    digest = events.sha256(outcome.response)
    if outcome.state == "completed":
        told = {"usage": outcome.usage, "grounded": bool(outcome.grounded)}
        book.record("reply.completed", **body, **told, sha256=digest)
    elif outcome.state == "stopped":
        book.record("reply.cancelled", **body, reason=outcome.reason, sha256=digest)
    else:
        book.record("reply.failed", **body, code=outcome.reason, retryable=outcome.retryable, sha256=digest)


_QUEUED_FIRST = ledger.exchanges(f"state = '{ContentChat.State.QUEUED}' ORDER BY number LIMIT 1")
_KEEP = ledger.EXCHANGES.change(*_KEPT)
