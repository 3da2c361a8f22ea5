"""Judges what a visitor was told: a client's trace and log against the rows of the database. Every function returns what is
wrong, as sentences; nothing where all is well."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.client import ENDS, SETTLED, Client, Frame, Seen, Transcript


@dataclass(frozen=True)
class Rows:
    """A chat as the database has it; exchanges and events in the order of their numbers."""

    chat: dict[str, Any]
    exchanges: list[dict[str, Any]]
    events: list[dict[str, Any]]


def rows_of(chat_id: UUID | str) -> Rows:
    """Asked within the tenant's scope. The chat is read last: it is never behind what is recorded in it."""
    from apps.chats.models import (
        Chat,
        ContentChat,
        Event,
    )  # here: benchmarks set Django up after their imports

    exchanges = ContentChat.objects.filter(chat_id=chat_id).order_by("number").values()
    events = Event.objects.filter(chat_id=chat_id).order_by("seq").values("seq", "type", "body")
    told = [dict(one) for one in exchanges], [dict(one) for one in events]
    return Rows(dict(Chat.objects.values().get(id=chat_id)), *told)


def faults(client: Client, rows: Rows) -> list[str]:
    """Everything that is wrong with one visitor's chat after it has come to rest."""
    return [
        *record_faults(rows),
        *message_faults(client.trace, rows),
        *wire_faults(client.trace),
        *log_faults(client.transcript.log),
        *text_faults(client.transcript, rows),
    ]


def record_faults(rows: Rows) -> Iterator[str]:
    """In the database itself: numbers without gaps, one end to each reply, under its last epoch, nothing left running."""
    if [event["seq"] for event in rows.events] != list(range(1, rows.chat["last_seq"] + 1)):
        yield f"the events have gaps: {[event['seq'] for event in rows.events]}"
    if [one["number"] for one in rows.exchanges] != list(range(1, rows.chat["last_exchange"] + 1)):
        yield f"the exchanges have gaps: {[one['number'] for one in rows.exchanges]}"
    for one in rows.exchanges:
        mine = [event for event in rows.events if event["body"].get("exchange") == one["number"]]
        begun = [event["body"]["epoch"] for event in mine if event["type"] == "reply.started"]
        ends = [event["body"]["epoch"] for event in mine if event["type"] in ENDS]
        if begun != sorted(set(begun)):
            yield f"the epochs of exchange {one['number']} do not grow: {begun}"
        if ends != begun[-1:]:
            yield f"exchange {one['number']} began under {begun} and ended under {ends}"
        if one["state"] not in SETTLED:
            yield f"exchange {one['number']} is stuck: {one['state']}"


def message_faults(trace: Iterable[Seen], rows: Rows) -> Iterator[str]:
    """What was acknowledged is there, once, where the acknowledgement said; what was sent is there at most once."""
    acks: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for seen in trace:
        if seen.way == "received" and seen.frame["type"] == "ack":
            acks[seen.frame["client_message_id"]].add((seen.frame["exchange"], seen.frame["seq"]))
    numbers = defaultdict(list)
    for one in rows.exchanges:
        numbers[one["client_message_id"]].append(one["number"])
    seqs = {event["body"]["exchange"]: event["seq"] for event in rows.events if event["type"] == "message"}
    for name, said in acks.items():
        if len(said) != 1:
            yield f"message {name} was acknowledged differently: {sorted(said)}"
        exchange, seq = next(iter(said))
        if numbers[name] != [exchange]:
            yield f"message {name} was acknowledged as exchange {exchange} and is recorded as {numbers[name]}"
        elif seqs.get(exchange) != seq:
            yield f"message {name} was acknowledged as seq {seq} and is {seqs.get(exchange)}"


def wire_faults(trace: Iterable[Seen]) -> Iterator[str]:
    """On each connection the server left nothing out and said nothing twice, whatever the client made of it."""
    wires: dict[int, Wire] = defaultdict(Wire)
    for seen in trace:
        for fault in wires[seen.connection].take(seen):
            yield f"connection {seen.connection}: {fault}"


class Wire:
    """What may come next on one connection."""

    def __init__(self) -> None:
        self._seq = 0
        self._next: dict[int, tuple[int, int]] = {}  # exchange: epoch and index
        self._asked: Frame | None = None
        self._again: set[int] = set()
        self._retelling: int | None = None
        self._is_stale = False  # between the client's `resume` and the `welcome` that answers it

    def take(self, seen: Seen) -> Iterator[str]:
        kind = seen.frame.get("type")
        if seen.way == "sent" and kind in {"hello", "resume"}:
            self._asked = seen.frame.get("resume") if kind == "hello" else seen.frame
            self._is_stale = kind == "resume"
        elif seen.way == "received" and kind == "welcome":
            self._begin(seen.frame)
        elif seen.way == "received" and not self._is_stale:
            yield from self._expect(seen.frame)

    def _begin(self, frame: Frame) -> None:
        self._is_stale = False
        self._next = {}
        self._seq = frame["last_seq"]
        if self._asked is not None and frame["recovered"] and not frame["messages"]:
            self._seq = self._asked["seq"]
            if "index" in self._asked:
                self._next[self._asked["exchange"]] = (self._asked["epoch"], self._asked["index"] + 1)
        self._asked = None

    def _is_retold(self, frame: Frame) -> bool:
        """A message that was sent again and is over is told again; what is known of it then comes a second time."""
        number, kind = frame.get("exchange"), frame["type"]
        if kind == "ack" and frame["seq"] <= self._seq:
            self._again.add(frame["exchange"])
        is_known = frame.get("seq") is not None and frame["seq"] <= self._seq
        if kind == "reply.started":
            self._retelling = number if is_known and number in self._again else None
        return number in self._again and (is_known or number == self._retelling)

    def _expect(self, frame: Frame) -> Iterator[str]:
        kind, seq = frame["type"], frame.get("seq")
        if self._is_retold(frame):
            return
        if kind != "ack" and seq is not None:
            if seq != self._seq + 1:
                yield f"seq {seq} came after {self._seq}"
            self._seq = seq
        if kind == "reply.started":
            self._next[frame["exchange"]] = (frame["epoch"], 0)
        elif kind == "reply.delta":
            name = (frame["epoch"], frame["index"])
            if self._next.get(frame["exchange"]) != name:
                yield f"delta {name} of {frame['exchange']} instead of {self._next.get(frame['exchange'])}"
            self._next[frame["exchange"]] = (frame["epoch"], frame["index"] + 1)


def log_faults(log: Sequence[Frame]) -> Iterator[str]:
    """What the client let count: every `seq` once and in order, every index of a reply once, nothing late."""
    seq, fence, reached = 0, 0, dict[int, tuple[int, int]]()
    for frame in log:
        if frame["type"] == "welcome":
            if not (frame["recovered"] and not frame["messages"] and seq):
                seq, reached, fence = (frame["last_seq"] if seq or frame["messages"] else seq), {}, 0
        elif frame.get("seq") is not None:
            if frame["seq"] != seq + 1:
                yield f"seq {frame['seq']} was applied after {seq}"
            seq = frame["seq"]
        if frame["type"] == "handoff":
            fence = max(fence, frame["epoch"])
        elif frame["type"] == "reply.started":
            reached[frame["exchange"]] = (frame["epoch"], 0)
        elif frame["type"] == "reply.delta":
            name = (frame["epoch"], frame["index"])
            if reached.get(frame["exchange"]) != name:
                yield f"delta {name} of {frame['exchange']} was applied at {reached.get(frame['exchange'])}"
            if frame["epoch"] < fence:
                yield f"delta {name} of {frame['exchange']} was applied after a handoff of {fence}"
            reached[frame["exchange"]] = (frame["epoch"], frame["index"] + 1)


def text_faults(transcript: Transcript, rows: Rows) -> Iterator[str]:
    """The visitor sees what is recorded: the same exchanges, the same texts, the hashes that were told. Where nothing was known of a
    text when it ended, its hash is null, and each reader keeps what they have of it."""
    ends = [event["body"] for event in rows.events if event["type"] in ENDS]
    unknown = {end["exchange"] for end in ends if end["sha256"] is None}
    for one in rows.exchanges:
        shown = transcript.exchanges.get(one["number"])
        if shown is None:
            yield f"exchange {one['number']} was never told"
        elif shown.response != one["response"] and one["number"] not in unknown:
            yield f"exchange {one['number']} shows {shown.response[-40:]!r} ({len(shown.response)}) for {one['response'][-40:]!r} ({len(one['response'])})"
        elif shown.state != one["state"]:
            yield f"exchange {one['number']} is shown as {shown.state} and is {one['state']}"
    texts = {one["number"]: one["response"] for one in rows.exchanges}
    for end in ends:
        digest = hashlib.sha256(texts.get(end["exchange"], "").encode()).hexdigest()
        if end["sha256"] not in (None, digest):
            yield f"the hash of exchange {end['exchange']} is of another text"
    if set(transcript.exchanges) - set(texts):
        yield f"exchanges that do not exist were told: {set(transcript.exchanges) - set(texts)}"
