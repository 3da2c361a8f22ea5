"""One reader's way through a chat: what was missed, then what comes, in order and once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from apps.chats import events
from apps.chats.chatlog import ChatLog
from apps.chats.events import Entry, Position


class Feed:
    """Entries of a chat from a position on. A socket sets `on_grown` and takes what there is; a stream iterates, and
    `position` is where it stands.

    `backlog` is what the database told, up to `told`. Of the log everything counts that it did not tell already: durable
    entries after its `seq`, and of its reply the deltas after its index."""

    def __init__(
        self,
        log: ChatLog,
        *,
        start: int,
        position: Position,
        told: Position,
        backlog: Sequence[Entry] = (),
        welcome: dict[str, Any] | None = None,
    ) -> None:
        self.log = log
        self.welcome = welcome or {}
        self.position = position
        self.on_grown: Callable[[], None] = lambda: None
        self.on_close: Callable[[Feed], None] = lambda feed: None
        self.has_ended = False
        self._backlog = list(backlog)
        self._at, self._seq = start, told.seq
        self._open, self._first = told.reply, told.index + 1
        self._grown: asyncio.Event | None = None
        self._wake = self._woken  # one bound method, so that it can be found again
        log.readers.add(self._wake)

    def take(self) -> list[Entry]:
        """What there is to read now. Raises TooSlow."""
        found = self.log.since(self._at)
        self._at += len(found)
        taken, self._backlog = self._backlog, []
        for entry in found:
            if entry.seq is not None:
                taken += self._news(entry)
            elif self._is_next(entry):
                taken.append(entry)
        return taken

    def aside(self, entry: Entry) -> None:
        """Tell this reader what no log keeps."""
        self._backlog.append(entry)
        self._woken()

    def close(self) -> None:
        self.has_ended = True
        self.log.leave(self._wake)
        self.on_close(self)
        self._woken()

    async def __aiter__(self) -> AsyncIterator[Entry]:
        """Entries until the feed is closed; `close` is the caller's."""
        while not self.has_ended:
            self._grown = asyncio.Event()
            for entry in self.take():
                self.position = self.position.after(entry)
                yield entry
            if not self.has_ended:
                await self._grown.wait()

    def _news(self, entry: Entry) -> list[Entry]:
        if entry.seq is None or entry.seq <= self._seq:
            return []
        self._seq = entry.seq
        if entry.type == events.STARTED:
            self._open, self._first = (entry.exchange, entry.epoch), 0
        elif entry.type in events.ENDS:
            return [*self._healed(entry), entry]
        return [entry]

    def _is_next(self, entry: Entry) -> bool:
        if (entry.exchange, entry.epoch) != self._open:
            return False
        if entry.type == events.STARTED:
            self._first = 0
        return entry.index is None or entry.index >= self._first

    def _healed(self, end: Entry) -> list[Entry]:
        """The whole text for a reader who had come with more deltas than were kept of a reply that was ended from outside."""
        latest, is_open = self.log.latest, (end.exchange, end.epoch) == self._open
        self._open = None
        if not is_open or latest is None or latest.name != (end.exchange, end.epoch):
            return []
        if self._first <= len(latest.heard):
            return []
        again = events.started_again(self.log.chat_id, end.exchange, end.epoch)
        return [again, *latest.heard]

    def _woken(self) -> None:
        if self._grown is not None:
            self._grown.set()
        self.on_grown()
