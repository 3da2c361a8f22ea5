"""What staff see of the chats that go on: a bounded list for each tab, and what is known beside what was said."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Left, NullIf

from apps.chats import bell, conversations, events, visitors
from apps.chats.conversations import NoSuchChat
from apps.chats.models import Chat, ContentChat, Event, Note
from apps.tenants import access

FEW, MANY = 50, 200
_PREVIEW = 140
_BESIDE = 100
_TABS = {
    "waiting": Q(resolved_at=None, handled_by=Chat.HandledBy.WAITING),
    "staff": Q(resolved_at=None, handled_by=Chat.HandledBy.STAFF),
    "agent": Q(resolved_at=None, handled_by=Chat.HandledBy.AGENT),
    "all": Q(),
}
TABS = frozenset(_TABS)
_TURNS = ("handoff", "assigned", "resolved")


def listing(tab: str, limit: int = FEW) -> list[dict[str, Any]]:
    """The newest chats of a tab, as plain JSON values; never more than MANY."""
    return [_row(chat) for chat in chats(tab)[: max(1, min(limit, MANY))]]


def chats(tab: str) -> QuerySet[Any]:
    """Newest first. Without the last tab these are the open chats alone, which an index of their own holds."""
    spoken = Coalesce(NullIf("request", Value("")), F("response"))
    newest = ContentChat.objects.filter(chat=OuterRef("id")).order_by("-number")
    return (
        Chat.objects.filter(_TABS[tab])
        .select_related("agent", "assignee")
        .annotate(
            preview=Subquery(newest.values(said=Left(spoken, _PREVIEW))[:1]),
            person_name=visitors.told_of("name"),
            person_email=visitors.told_of("email"),
        )
        .order_by("-last_at")
    )


def counts() -> dict[str, int]:
    """How many open chats each handler has."""
    found = Chat.objects.filter(resolved_at=None).values_list("handled_by").annotate(Count("id"))
    return dict.fromkeys(map(str, Chat.HandledBy), 0) | dict(found)


def state(chat_id: UUID) -> dict[str, Any]:
    """One chat's row, and the turns it took: who handled it from when on. Raises NoSuchChat."""
    chat = chats("all").filter(id=chat_id).first()
    if chat is None:
        raise NoSuchChat("There is no such chat.")
    return {**_row(chat), **_left(chat), "turns": [_turn(event) for event in turns(chat_id)]}


def noted(chat_id: UUID) -> list[dict[str, Any]]:
    """The notes, as the wire and the page want them."""
    return [
        {
            "id": str(note.id),
            "name": known_as(note.author),
            "text": note.text,
            "at": events.at(note.created_at),
        }
        for note in notes(chat_id)
    ]


def turns(chat_id: UUID) -> list[Event]:
    """The latest changes of who handles a chat, oldest first."""
    found = Event.objects.filter(chat_id=chat_id, type__in=_TURNS).order_by("-seq")[:_BESIDE]
    return list(reversed(found))


def notes(chat_id: UUID) -> list[Note]:
    """The latest notes beside a chat, oldest first. They are for staff alone."""
    found = Note.objects.filter(chat_id=chat_id).select_related("author").order_by("-created_at")[:_BESIDE]
    return list(reversed(found))


def write_note(chat_id: UUID, user: Any, text: str, *, client_message_id: str) -> None:
    """A note for colleagues, once for each client message id of its author. Raises NoSuchChat, BadMessage, NotAdmitted, Forbidden."""
    text = conversations.clean(text)
    with transaction.atomic():
        access.recheck("chats.answer")
        chat = conversations.find(chat_id)
        name = uuid5(chat.id, f"{user.pk} {client_message_id}")
        Note.objects.get_or_create(id=name, defaults={"chat": chat, "author": user, "text": text})
    bell.ring(chat.tenant_id, chat.id, max(chat.last_seq, 1))


def known_as(user: Any) -> str:
    """What colleagues call a member of staff: their full name, else how they sign in."""
    return (user.get_full_name() or user.get_username()) if user else "A former colleague"


def _row(chat: Any) -> dict[str, Any]:
    is_staff = chat.handled_by == Chat.HandledBy.STAFF
    return {
        "chat": str(chat.id),
        "agent": chat.agent.name,
        "visitor": chat.visitor,
        "person": _person(chat),
        "handled_by": chat.handled_by,
        "name": known_as(chat.assignee) if is_staff else None,
        "assignee": chat.assignee_id if is_staff else None,
        "waiting_since": _at(chat.waiting_since),
        "resolved_at": _at(chat.resolved_at),
        "last_at": events.at(chat.last_at),
        "preview": chat.preview or "",
        "exchanges": chat.last_exchange,
        "is_answering": chat.answering > 0,
    }


def _left(chat: Any) -> dict[str, Any]:
    """What its visitor left beside messages, and what their page says of them: nobody's word but theirs."""
    said = chat.said_by_page or {}
    return {
        "csat": chat.csat,
        "csat_comment": chat.csat_comment,
        "email": chat.email,
        "context": said.get("context", {}),
        "attributes": said.get("attributes", {}),
    }


def _person(chat: Any) -> dict[str, str] | None:
    """Whom the tenant has vouched for, by the name and e-mail address that it told."""
    if chat.person_name is None:
        return None
    return {"name": chat.person_name, "email": chat.person_email}


def _turn(event: Event) -> dict[str, Any]:
    told = {name: event.body.get(name) for name in ("state", "by", "name")}
    return {"seq": event.seq, "type": event.type, "at": events.at(event.created_at), **told}


def _at(instant: datetime | None) -> str | None:
    return events.at(instant) if instant else None
