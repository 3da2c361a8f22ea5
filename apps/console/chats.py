"""One chat to read: what was said, what staff noted beside it, and how it changed hands; the latest page first."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from apps.chats import inbox, visitors
from apps.chats.models import Chat, ContentChat, Event
from apps.console.guards import staff

PAGE = 50
_STOPS = {
    "stopped": "Stopped by the visitor before it was finished.",
    "takeover": "Stopped here: taken over.",
    "visitor_left": "Stopped before it was finished: the visitor left.",
    "interrupted": "Stopped before it was finished: the visitor wrote again.",
}
_MARKS = {
    "queued": "No answer yet: it waits for its turn.",
    "running": "The answer is being written.",
    "waiting": "Left for a person to answer.",
    "failed": "The answer failed.",
}


@staff("chats.read")
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """`?before=n` shows the exchanges before number n."""
    chat = get_object_or_404(Chat.objects.select_related("agent", "assignee"), id=pk)
    before = _before(request, chat)
    found = (
        chat.exchanges.filter(number__lt=before)
        .select_related("staff")
        .prefetch_related("analyses", "groundings")
    )
    exchanges = list(reversed(found.order_by("-number")[:PAGE]))
    first = exchanges[0] if exchanges and exchanges[0].number > 1 else None
    context = {
        "chat": chat,
        "assignee": inbox.known_as(chat.assignee),
        "person": visitors.person_of(chat),
        "items": _items(chat, exchanges, first.created_at if first else None, before),
        "earlier": first.number if first else None,
        "later": min(before + PAGE, chat.last_exchange + 1) if before <= chat.last_exchange else None,
    }
    return render(request, "console/chats/detail.html", context)


def _before(request: HttpRequest, chat: Chat) -> int:
    asked = request.GET.get("before", "")
    last = chat.last_exchange + 1
    return min(int(asked), last) if asked.isdecimal() and len(asked) < 10 else last


def _items(
    chat: Chat, exchanges: list[ContentChat], since: datetime | None, before: int
) -> list[dict[str, Any]]:
    """Exchanges in the order of their numbers, and between them what happened beside them at that time."""
    following = chat.exchanges.filter(number=before).first()
    until = following.created_at if following else None
    beside = [
        item
        for item in sorted(_beside(chat), key=lambda item: item["at"])
        if (since is None or since <= item["at"]) and (until is None or item["at"] < until)
    ]
    items: list[dict[str, Any]] = []
    for exchange in exchanges:
        while beside and beside[0]["at"] < exchange.created_at:
            items.append(beside.pop(0))
        items.append({"exchange": exchange, "mark": _mark(exchange), "name": inbox.known_as(exchange.staff)})
    return items + beside


def _beside(chat: Chat) -> Iterator[dict[str, Any]]:
    for note in inbox.notes(chat.id):
        yield {"at": note.created_at, "note": note, "name": inbox.known_as(note.author)}
    for event in inbox.turns(chat.id):
        yield {"at": event.created_at, "turn": _turn(event, chat.agent.name)}


def _turn(event: Event, agent: str) -> str:
    body = event.body
    if event.type == "resolved":
        return "Ended: nothing was said for a while" if body.get("by") == "idle" else "Resolved"
    if event.type == "assigned" or body.get("state") == "staff":
        return f"{body.get('name') or 'A colleague'} took over"
    if body.get("state") == "waiting":
        return f"{agent if body.get('by') == 'agent' else 'The visitor'} asked for a person"
    return (
        f"The visitor wrote again; {agent} answers"
        if body.get("by") == "visitor"
        else f"Handed back to {agent}"
    )


def _mark(exchange: ContentChat) -> str:
    """What is to be said below an answer that is not simply complete."""
    if exchange.state == "stopped":
        return _STOPS.get(exchange.reason, "Stopped before it was finished.")
    if exchange.state == "failed" and exchange.response:
        return "The answer failed before it was finished."
    return _MARKS.get(exchange.state, "")
