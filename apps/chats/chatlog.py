"""What this process has of one chat, in order: durable events as they were numbered, and the deltas of its latest reply.

Whoever reads here reads at their own pace; who falls behind what is kept has to come again."""

import time
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Protocol
from uuid import UUID

from apps.chats import events
from apps.chats.events import Entry
from apps.chats.models import ContentChat

KEPT = 512  # entries before the latest reply
LINGERS = 10.0  # seconds for which what was told last is kept for who still reads it


class TooSlow(Exception):
    """A reader fell behind what is kept; it may come again and resume."""


class Speaker(Protocol):
    """The reply that speaks into a log from this process."""

    def fenced(self, epoch: int) -> None:
        """Replies below this epoch are late: ended by somebody else, or the chat was taken over."""

    def left(self) -> None:
        """Nobody in this process reads any more."""

    @property
    def spoken(self) -> Sequence[Entry]:
        """Its deltas until now."""
        ...


class Latest:
    """The reply that was told of last: where it begins in the log, and what was heard of it, whole and in order."""

    def __init__(self, exchange: int, epoch: int, start: int) -> None:
        self.exchange, self.epoch, self.start = exchange, epoch, start
        self.heard: list[Entry] = []
        self.has_ended = False

    @property
    def name(self) -> tuple[int, int]:
        return self.exchange, self.epoch

    def accepts(self, entry: Entry) -> bool:
        """Only the next delta: what comes after a gap waits until that is told again, or for the end, which heals it."""
        is_next = entry.index == len(self.heard) and not self.has_ended
        return is_next and entry.epoch == self.epoch and entry.exchange == self.exchange


class ChatLog:
    """Appended to by the reply that runs here, by what is read from the database, and by the tail of other processes."""

    def __init__(self, tenant_id: UUID, chat_id: UUID) -> None:
        self.tenant_id, self.chat_id = tenant_id, chat_id
        self.last_seq: int | None = None  # of what was told here; None while nothing is known
        self.known_from = 0  # of what came after this `seq` nothing is lacking here
        self.fence = 0  # replies below this epoch are late, also those that are yet to be begun here
        self.latest: Latest | None = None
        self.speaker: Speaker | None = None
        self.readers: set[Callable[[], None]] = set()
        self.on_gap: Callable[[int], object] = lambda seq: None
        self.is_gone = False  # the chat was deleted
        self._entries: list[Entry] = []
        self._base = 0
        self._told_at = 0.0

    @property
    def name(self) -> tuple[UUID, UUID]:
        return self.tenant_id, self.chat_id

    @property
    def end(self) -> int:
        return self._base + len(self._entries)

    @property
    def is_idle(self) -> bool:
        return not self.readers and self.speaker is None

    @property
    def is_followed_elsewhere(self) -> bool:
        """A reply runs, and not here."""
        return self.latest is not None and not self.latest.has_ended and self.speaker is None

    def begin(self, seq: int, running: tuple[int, int] | None) -> None:
        """Take the database's word for where the chat stands."""
        self.last_seq = self.known_from = seq
        if running is not None:
            self.latest = Latest(*running, start=self.end)

    def tell(self, told: Sequence[Entry]) -> None:
        """Append durable entries in order of `seq`; what is known is passed over, and a gap is asked for."""
        if self.last_seq is None:
            self.last_seq = next((entry.seq for entry in told if entry.seq is not None), 1) - 1
            self.known_from = self.last_seq
        self._told_at = time.monotonic()
        held: list[Entry] = []
        for entry in told:
            held.append(entry)
            if entry.seq is None:
                continue  # what comes before a durable entry is told with it, or not at all
            if entry.seq > self.last_seq + 1:
                self.on_gap(entry.seq)
                break
            if entry.seq == self.last_seq + 1:
                self._append(held)
            held = []
        self._wake()

    def hear(self, entries: Sequence[Entry]) -> None:
        """Append the deltas that come next in the running reply; late and repeated ones are dropped."""
        for entry in entries:
            if self.latest is not None and entry.index is not None and self.latest.accepts(entry):
                self._entries.append(entry)
                self.latest.heard.append(entry)
        self._wake()

    def retold(self, exchange: ContentChat) -> list[Entry]:
        """What this log still lacks of an ended reply: deltas, and its citations."""
        latest, name = self.latest, (exchange.number, exchange.epoch)
        is_known = latest is not None and latest.name == name
        return rest_of(exchange, len(latest.heard) if latest and is_known else None) + cited(exchange)

    def since(self, position: int) -> list[Entry]:
        """Entries from a position on. Raises TooSlow."""
        if self.is_gone or position < self._base:
            raise TooSlow("What comes next is not kept any more.")
        return self._entries[position - self._base :]

    def forget_what_ended(self) -> None:
        """Let go of a reply that is over, and of what people said: whoever comes later is told by the database, and an idle chat costs little."""
        is_over = self.latest is None or self.latest.has_ended
        if is_over and self._entries and time.monotonic() - self._told_at > LINGERS:
            self._base, self._entries = self.end, []
            if self.latest is not None:
                self.latest.heard.clear()

    def vanish(self) -> None:
        """Its chat was deleted: whoever reads it has to come again, and is told so then."""
        self.is_gone = True
        self._wake()

    def leave(self, reader: Callable[[], None]) -> None:
        self.readers.discard(reader)
        if not self.readers and self.speaker is not None:
            self.speaker.left()

    def _append(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._entries.append(entry)
            self._note(entry)

    def _note(self, entry: Entry) -> None:
        if entry.seq is None:
            self._note_text(entry)
            return
        self.last_seq = entry.seq
        if entry.type == events.STARTED:
            self._trim()
            self._fence(entry.epoch)
            self.latest = Latest(entry.exchange, entry.epoch, start=self.end - 1)
            if self.speaker is not None and self.speaker.spoken:  # what came before had to be read first
                self.hear(self.speaker.spoken)
        elif entry.type in events.ENDS:
            self._fence(entry.epoch + 1)
        elif entry.type == "handoff":
            self._fence(entry.epoch)

    def _note_text(self, entry: Entry) -> None:
        if self.latest is not None and entry.type == events.STARTED:
            self.latest.heard.clear()
        elif self.latest is not None and self.latest.accepts(entry):
            self.latest.heard.append(entry)

    def _fence(self, epoch: int) -> None:
        """A reply below this epoch speaks no more."""
        self.fence = max(self.fence, epoch)
        if self.latest is not None and self.latest.epoch < epoch:
            self.latest.has_ended = True
        if self.speaker is not None:
            self.speaker.fenced(epoch)

    def _trim(self) -> None:
        surplus = len(self._entries) - KEPT
        if surplus > 0:
            del self._entries[:surplus]
            self._base += surplus

    def _wake(self) -> None:
        for reader in tuple(self.readers):
            reader()


def rest_of(exchange: ContentChat, known: int | None) -> list[Entry]:
    """The deltas that follow the first `known`; all of them anew for who had none of this reply, or more than was kept."""
    deltas = deltas_of(exchange)
    if known is not None and known <= len(deltas):
        return deltas[known:]
    return [events.started_again(exchange.chat_id, exchange.number, exchange.epoch), *deltas]


def deltas_of(exchange: ContentChat) -> list[Entry]:
    """An ended reply's deltas as they were told when it ran."""
    ends = list(accumulate(exchange.cuts))
    spans = zip([0, *ends], ends, strict=False)
    return [
        events.delta(exchange.number, exchange.epoch, index, exchange.response[start:end])
        for index, (start, end) in enumerate(spans)
    ]


def cited(exchange: ContentChat) -> list[Entry]:
    return [events.citations(exchange)] if exchange.state == ContentChat.State.COMPLETED else []
