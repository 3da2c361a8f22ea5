"""A person steps in: who handles a chat, what staff write in it, and when it ends."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from apps.chats import conversations, hub, ledger, replies
from apps.chats.conversations import BadMessage, Claim, Finished
from apps.chats.ledger import Ledger, Opening
from apps.chats.models import Chat, ContentChat
from apps.tenants.hops import hop

AGENT, WAITING, STAFF = Chat.HandledBy.AGENT, Chat.HandledBy.WAITING, Chat.HandledBy.STAFF


class NotYours(PermissionError):
    """Somebody else handles this chat: take it over first."""


async def request(chat_id: UUID, *, opening: Opening | None = None) -> None:
    """Put a chat before the staff, which an `opening` makes where there is none; nothing changes where a person has it or is awaited
    already."""
    await _ending_reply(chat_id, _request, opening=opening)


async def take_over(chat_id: UUID, user: Any) -> None:
    """From here on this member of staff answers: what the agent is saying ends, and is kept."""
    await _ending_reply(chat_id, _take_over, user=user)


async def answer(chat_id: UUID, user: Any, text: str, *, client_message_id: str) -> int:
    """Write to the visitor; the number of the exchange. Once for each client message id. Raises NotYours, BadMessage."""
    text = conversations.clean(text)
    return await replies.here().surely(chat_id, _answered(chat_id, user, text, client_message_id))


async def hand_back(chat_id: UUID, user: Any) -> None:
    """The agent answers again, beginning with a last message that nobody has answered."""
    await replies.here().surely(chat_id, _handed_back(chat_id))


async def resolve(chat_id: UUID, user: Any) -> None:
    """End a chat. The visitor's next message under its session id opens it again, with the agent."""
    await _ending_reply(chat_id, _resolve, by="staff")


def end_idle(*, idle: timedelta) -> int:
    """End this tenant's chats in which nothing was said for so long; how many."""
    quiet = Chat.objects.filter(resolved_at=None, answering=0, last_at__lt=timezone.now() - idle)
    return sum(_end_if_idle(chat_id, idle) for chat_id in quiet.values_list("id", flat=True)[:500])


async def _answered(chat_id: UUID, user: Any, text: str, client_message_id: str) -> int:
    number, finished = await hop(_answer)(chat_id, user, text, client_message_id)
    _deliver(chat_id, finished)
    return number


async def _handed_back(chat_id: UUID) -> None:
    holder = await replies.here().lease.hold()
    _deliver(chat_id, await hop(_hand_back)(chat_id, holder))


async def _ending_reply(chat_id: UUID, change: Any, **known: Any) -> None:
    """Make a change that ends the running reply, keeping the text that its readers were told."""
    await replies.here().surely(chat_id, _end_reply(chat_id, change, **known))


async def _end_reply(chat_id: UUID, change: Any, **known: Any) -> None:
    reply = replies.running_here(chat_id)
    if reply is None:
        said = await replies.heard(chat_id)
        _deliver(chat_id, await hop(change)(chat_id, said, **known))
        return
    reply.hold()
    try:
        _deliver(chat_id, await hop(change)(chat_id, reply.told, **known))
    finally:
        reply.release()


def _deliver(chat_id: UUID, finished: Finished) -> None:
    replies.here().carry_on(hub.here().log(chat_id), finished)


def _done(book: Ledger, following: Claim | None = None, kept: ContentChat | None = None) -> Finished:
    return Finished(tuple(book.told), following, kept, fence=book.chat.epoch if book.told else 0)


def _request(chat_id: UUID, said: str | None, *, opening: Opening | None) -> Finished:
    kept = None
    with ledger.opened(chat_id, may="chats.ask", opening=opening) as book:
        if book.chat.handled_by == AGENT:
            kept = book.cancel("takeover", said)
            book.park()
            book.hand(WAITING, by="visitor")
            book.chat.resolved_at = None
    return _done(book, kept=kept if said is not None else None)


def _take_over(chat_id: UUID, said: str | None, *, user: Any) -> Finished:
    with ledger.opened(chat_id, may="chats.answer") as book:
        chat = book.chat
        if chat.handled_by == STAFF and chat.assignee_id == user.pk:
            return _done(book)
        if chat.handled_by == STAFF:
            book.assign(user)
            return _done(book)
        kept = book.cancel("takeover", said)
        book.park()
        book.hand(STAFF, by="staff", staff=user)
        chat.resolved_at = None
    return _done(book, kept=kept if said is not None else None)


def _answer(chat_id: UUID, user: Any, text: str, client_message_id: str) -> tuple[int, Finished]:
    with ledger.opened(chat_id, may="chats.answer") as book:
        known = book.chat.exchanges.filter(client_message_id=client_message_id).first()
        if known is not None and (known.staff_id, known.response) != (user.pk, text):
            raise BadMessage(
                "message_id_taken",
                "Another message has this client_message_id. Send yours under a new one.",
            )
        if known is not None:
            return known.number, _done(book)
        if book.chat.handled_by != STAFF or book.chat.assignee_id != user.pk:
            raise NotYours("Take the chat over before you answer.")
        exchange = book.enter(
            client_message_id=client_message_id,
            response=text,
            staff=user,
            state=ContentChat.State.COMPLETED,
        )
        exchange.save(force_insert=True)
        book.say(exchange, user)
    return exchange.number, _done(book)


def _hand_back(chat_id: UUID, holder: UUID) -> Finished:
    with ledger.opened(chat_id, may="chats.answer") as book:
        if book.chat.handled_by == AGENT:
            return _done(book)
        book.hand(AGENT, by="staff")
        exchanges = book.chat.exchanges
        said = exchanges.exclude(staff=None).aggregate(last=Max("number"))["last"] or 0
        waiting = exchanges.filter(number__gt=said, state=ContentChat.State.WAITING)
        waiting.update(state=ContentChat.State.QUEUED)
        following = conversations.claim_next(book, holder)
    return _done(book, following)


def _resolve(chat_id: UUID, said: str | None, *, by: str) -> Finished:
    kept = None
    with ledger.opened(chat_id, may="chats.answer") as book:
        if book.chat.resolved_at is None:
            kept = book.cancel("takeover", said)
            book.park()
            book.end(by)
    return _done(book, kept=kept if said is not None else None)


def _end_if_idle(chat_id: UUID, idle: timedelta) -> bool:
    with ledger.opened(chat_id) as book:
        chat = book.chat
        is_idle = chat.resolved_at is None and not chat.answering and chat.last_at < timezone.now() - idle
        if is_idle:
            book.end("idle")
    return is_idle
