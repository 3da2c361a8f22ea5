"""A chat as a stream tells it: what its log has and, beside it, what no log keeps."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

from apps.chats import events, hub, line
from apps.chats.entries import Entry


async def told(feed: hub.Feed) -> AsyncGenerator[Entry, None]:
    """Until the feed is closed: its entries, that staff are typing, and to whoever waits for a person their place in the line."""

    def typing(heard: dict[str, Any]) -> None:
        if heard["from"] == "staff":
            feed.aside(events.aside("typing", **heard))

    end_hearing = hub.hear_typing(feed.log.chat_id, typing)
    leave_line = _wait(feed, feed.welcome["handled_by"] == "waiting")
    try:
        async for entry in feed:
            yield entry
            if entry.type == "handoff":
                leave_line()
                leave_line = _wait(feed, '"state":"waiting"' in entry.text)
    finally:
        leave_line()
        end_hearing()
        feed.close()


def _wait(feed: hub.Feed, is_waiting: bool) -> Callable[[], None]:
    """Stand in the line, or not; the function returned ends it."""
    if not is_waiting:
        return lambda: None
    return line.join(feed.log.chat_id, lambda place: feed.aside(events.aside("queue", **place._asdict())))
