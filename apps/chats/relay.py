"""Deltas of running replies in Valkey, one stream a chat, so that other processes can read on from any index.

Entries have explicit ids `<epoch>-<number of deltas>`: Valkey refuses an id below its last one, so once a newer epoch has
written nothing of an older one arrives. Nothing that a visitor's own socket is sent waits for any of this."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from apps.chats import events
from apps.chats.events import Entry
from apps.tenants import valkey

EVERY = 0.1  # seconds between two writes; each reply that spoke costs one command
BLOCK_MS = 50  # a chat that joins a running XREAD waits for so long
TTL = 600
MOST = 4000  # entries of a stream; each holds what was said in EVERY seconds
WATCHED = 15
_FIELD = b"f"

Read = Callable[[list[Entry]], None]


def key(tenant_hex: str, chat_hex: str) -> str:
    return f"cwu:log:{tenant_hex}:{chat_hex}"


def _watch_key(name: str) -> str:
    return f"{name}:watched"


class Writing:
    """One reply's deltas on their way into its chat's stream."""

    def __init__(self, name: str, epoch: int) -> None:
        self.name, self.epoch = name, epoch
        self.entries: list[Entry] = []
        self.written = 0
        self.is_due = False
        self._flusher = flusher()

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._flusher.wake(self)

    @property
    def packed(self) -> bytes:
        return "\n".join(entry.text for entry in self.entries[self.written :]).encode()


class Flusher:
    """Writes what all replies of this loop have said since the last tick: one command a tick, since each costs as much as sending a
    visitor a frame."""

    def __init__(self) -> None:
        self._due: list[Writing] = []
        self._task: asyncio.Task[None] | None = None

    def wake(self, writing: Writing) -> None:
        if writing.is_due:
            return
        writing.is_due = True
        self._due.append(writing)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._due and not valkey.is_cancelled():
            await asyncio.sleep(EVERY)
            due, self._due = self._due, []
            for writing in due:
                writing.is_due = False
            try:
                await _append(due)
            except valkey.Unreachable:
                for writing in due:
                    writing.written = 0  # whatever Valkey kept: it is told again from the beginning
                    self.wake(writing)
                await _answers_again()


# Keys are streams; arguments are how many entries each keeps and for how long, and for each an id, what to append under it, and
# whether the stream must be there already. The answer says of each whether it was. An id that is refused is there already, or a newer
# epoch is.
_APPEND = """
local told = {}
for i, key in ipairs(KEYS) do
  local id, text, was_there = ARGV[3 * i], ARGV[3 * i + 1], ARGV[3 * i + 2] == '1'
  if was_there and redis.call('EXISTS', key) == 0 then
    told[i] = 0
  else
    redis.pcall('XADD', key, 'MAXLEN', '~', ARGV[1], id, 'f', text)
    redis.call('EXPIRE', key, ARGV[2])
    told[i] = 1
  end
end
return told
"""


async def _answers_again() -> None:
    """Until Valkey can be asked something small: what is written anew may be long, and is not put together for nobody."""
    while not valkey.is_cancelled():
        await asyncio.sleep(1)
        with suppress(*valkey.Unreachable):
            await valkey.client().ping()
            return


async def _append(due: list[Writing]) -> None:
    """Raises one of valkey.Unreachable."""
    batch = [(writing, len(writing.entries)) for writing in due]
    arguments: list[Any] = [MOST, TTL]
    for writing, number in batch:
        arguments += (f"{writing.epoch}-{number}", writing.packed, int(writing.written > 0))
    append = valkey.client().register_script(_APPEND)
    told = await append([writing.name for writing in due], arguments)
    for (writing, number), is_there in zip(batch, told, strict=True):
        _note(writing, number, bool(is_there))


def _note(writing: Writing, number: int, is_there: bool) -> None:
    writing.written = number if is_there else 0
    if not is_there:  # the stream is gone, with what was written before: tell all of it again
        flusher().wake(writing)


@dataclass(eq=False, slots=True)
class Following:
    """A reader of one chat's stream, and the last id that it was handed."""

    name: str
    epoch: int
    read: Read
    last: bytes | str


class Tail:
    """Reads the streams of replies that run in other processes: one XREAD for all of this loop's."""

    def __init__(self) -> None:
        self._followed: dict[str, Following] = {}
        self._task: asyncio.Task[None] | None = None
        self._watched_at = 0.0

    async def follow(self, name: str, epoch: int, read: Read) -> None:
        """Hand over what is there already, at once, and then what comes, until `leave`."""
        known = self._followed.get(name)
        if known is not None and (known.epoch, known.read) == (epoch, read):
            return
        following = self._followed[name] = Following(name, epoch, read, f"{epoch}-0")
        self._watched_at = 0.0
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        with suppress(*valkey.Unreachable):  # then the task hands it over as soon as it can
            self._hand_over(following, await valkey.client().xrange(name, min=f"{epoch}-0", max="+"))

    def leave(self, name: str, read: Read) -> None:
        known = self._followed.get(name)
        if known is not None and known.read == read:
            del self._followed[name]

    async def _run(self) -> None:
        while self._followed and not valkey.is_cancelled():
            try:
                await self._watch()
                await self._read()
            except valkey.Unreachable:
                await asyncio.sleep(0.5)

    async def _read(self) -> None:
        followed = dict(self._followed)
        if not followed:
            return
        last: dict[Any, Any] = {name: following.last for name, following in followed.items()}
        read: Any = await valkey.client().xread(last, block=BLOCK_MS)
        for name, found in read or ():
            self._hand_over(followed[name.decode()], found)

    async def _watch(self) -> None:
        """Let the process that replies know that somebody follows."""
        now = time.monotonic()
        if now - self._watched_at < WATCHED / 3:
            return
        self._watched_at = now
        pipeline = valkey.client().pipeline(transaction=False)
        for name in self._followed:
            pipeline.set(_watch_key(name), 1, ex=WATCHED)
        await pipeline.execute()

    def _hand_over(self, following: Following, found: Any) -> None:
        if found and self._followed.get(following.name) is following:
            following.last = found[-1][0]
            following.read(_unpacked(found))


async def heard(name: str, epoch: int) -> list[Entry] | None:
    """What the stream holds of one epoch, as far as it is whole; None where nothing is there, or not its first delta."""
    try:
        found: Any = await valkey.client().xrange(name, min=f"{epoch}-0", max=f"{epoch}-{2**63}")
    except valkey.Unreachable:
        return None
    whole: list[Entry] = []
    for entry in _unpacked(found):
        if entry.index == len(whole):
            whole.append(entry)
    return whole or None


async def fence(name: str, epoch: int) -> None:
    """From here on nothing of an older epoch is written."""
    try:
        pipeline = valkey.client().pipeline(transaction=False)
        pipeline.xadd(name, {_FIELD: b""}, id=f"{epoch}-0", maxlen=MOST)
        pipeline.expire(name, TTL)
        await pipeline.execute(raise_on_error=False)
    except valkey.Unreachable:
        return


async def is_watched(name: str) -> bool:
    """By readers of other processes; also where nobody can say, so that nobody's answer breaks off."""
    try:
        return bool(await valkey.client().exists(_watch_key(name)))
    except valkey.Unreachable:
        return True


def _unpacked(found: list[tuple[bytes, dict[bytes, bytes]]]) -> list[Entry]:
    packed = [fields[_FIELD] for _, fields in found if fields.get(_FIELD)]
    return [events.decode(line.decode()) for one in packed for line in one.split(b"\n")]


_flushers: "WeakKeyDictionary[asyncio.AbstractEventLoop, Flusher]" = WeakKeyDictionary()
_tails: "WeakKeyDictionary[asyncio.AbstractEventLoop, Tail]" = WeakKeyDictionary()


def flusher() -> Flusher:
    return _flushers.setdefault(asyncio.get_running_loop(), Flusher())


def tail() -> Tail:
    return _tails.setdefault(asyncio.get_running_loop(), Tail())
