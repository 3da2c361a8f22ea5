"""A chat as a text to keep: Markdown, as its visitor has seen it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from apps.chats import events
from apps.chats.models import Chat, ContentChat

LONGEST = 1000  # exchanges
_BROKEN_OFF: dict[str, str] = {
    ContentChat.State.STOPPED: "*The answer was stopped here.*",
    ContentChat.State.FAILED: "*The answer failed here.*",
}


def written(chat: Chat) -> str:
    """What was said until now, oldest first; what staff noted for each other is not in it."""
    exchanges = chat.exchanges.select_related("staff").order_by("number")[:LONGEST]
    parts = [
        f"# {_plain(chat.agent.name)}, {chat.created_at:%Y-%m-%d}",
        *(_part(chat, one) for one in exchanges),
    ]
    return "\n\n".join(parts) + "\n"


def _part(chat: Chat, exchange: ContentChat) -> str:
    return "\n\n".join(_lines(chat, exchange))


def _lines(chat: Chat, exchange: ContentChat) -> Iterator[str]:
    at = f"{exchange.created_at:%H:%M} UTC"
    if exchange.request:
        yield f"**You**, {at}"
        yield _quoted(exchange.request)
    if exchange.response:
        who = events.speaker(exchange.staff) if exchange.is_from_staff else chat.agent.name
        yield f"**{_plain(who)}**" + (f", {at}" if exchange.is_from_staff else "")
        yield _harmless(exchange.response)
    if exchange.state in _BROKEN_OFF:
        yield _BROKEN_OFF[exchange.state]
    if exchange.citations:
        yield "\n".join(_source(one) for one in exchange.citations)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in _harmless(text).splitlines())


def _harmless(text: str) -> str:
    """Whoever opens the file in something that draws Markdown has no markup run and no picture fetched, which would tell who reads."""
    return text.replace("<", "&lt;").replace("![", "\\![")


def _plain(text: str) -> str:
    return _harmless(" ".join(text.split()))


def _source(citation: dict[str, Any]) -> str:
    url = citation.get("url") or ""
    address = f" <{url}>" if urlsplit(url).scheme in {"http", "https"} else ""
    return f"[{citation['number']}] {_plain(citation['title'])}{address}"
