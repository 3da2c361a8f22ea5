"""What a chat is told in, one frame at a time, and where a reader of it stands."""

from typing import NamedTuple

STARTED, DELTA = "reply.started", "reply.delta"
ENDS = frozenset({"reply.completed", "reply.cancelled", "reply.failed"})


class Entry(NamedTuple):
    """One frame, encoded once for whoever reads it, and its name: `seq` where it is durable, otherwise what it is part of."""

    type: str
    text: str
    seq: int | None = None
    exchange: int = 0
    epoch: int = 0
    index: int | None = None  # type: ignore[assignment]  # not tuple.index, which nobody asks here
    said: str = ""


class Position(NamedTuple):
    """How far somebody has read: the last `seq`, and the last delta of a reply that had not ended for them."""

    seq: int
    exchange: int = 0
    epoch: int = 0
    index: int = -1  # type: ignore[assignment]

    def __str__(self) -> str:
        return ".".join(map(str, self))

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Reads what `str` wrote (an SSE id). Raises ValueError."""
        numbers = [int(part) for part in text.split(".")]
        if len(numbers) != 4 or min(numbers[:3]) < 0 or numbers[3] < -1 or max(numbers) > 2**53:
            raise ValueError("A position has the form seq.exchange.epoch.index.")
        return cls(*numbers)

    def after(self, entry: Entry) -> "Position":
        seq = self.seq if entry.seq is None else entry.seq
        if entry.type == STARTED:
            return Position(seq, entry.exchange, entry.epoch)
        if entry.index is not None:
            return Position(seq, entry.exchange, entry.epoch, entry.index)
        return Position(seq) if entry.type in ENDS else self._replace(seq=seq)

    @property
    def reply(self) -> tuple[int, int] | None:
        """The reply that was being read."""
        return (self.exchange, self.epoch) if self.exchange else None
