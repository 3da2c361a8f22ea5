"""Every frame of every socket: sent by its owner, who is answered, and by a stranger with the owner's ids, who is not."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from apps.chats import acts, frames
from apps.chats.models import Chat
from apps.tenants.hops import hop
from chatwithus.isolation import addresses
from chatwithus.isolation.addresses import Route
from chatwithus.isolation.browser import Socket
from chatwithus.isolation.canary import Canary
from chatwithus.isolation.recipes import guess, names
from chatwithus.isolation.tally import Tally

QUIET = 0.15  # seconds for what comes after the answer to a later ping
NOTHING_TO_DO = {"nothing_to_stop", "nothing_to_resume"}  # understood and allowed
VISITORS, STAFF = ("visitor",), ("session",)

# What is said before, so that there is something to say the frame about.
BEFORE = {
    "ChatConsumer": ("hello",),
    "InboxConsumer": ("chat_open", "take_over"),
}
ALONE = {"hello", "chat_open", "take_over"}


class Words(dict[str, Any]):
    """A frame that remembers what was read of it."""

    read: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        Words.read.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        Words.read.add(name)
        return super().__getitem__(name)


@contextmanager
def noticing() -> Iterator[set[str]]:
    """The names of the fields that frames are asked for meanwhile."""
    parse, Words.read = frames.parse, set()
    frames.parse = lambda data: Words(parse(data))
    try:
        yield Words.read
    finally:
        frames.parse = parse


def fields(canary: Canary, own: Canary) -> dict[str, Any]:
    """Every field that frames are known to have, with `canary`'s ids and the words of `own`."""
    found: dict[str, Any] = {
        "chat": str(canary.rows[Chat].id),
        "client_message_id": secrets.token_hex(8),
        "text": f"What does {own.marker} cost?",
        "comment": own.marker,
        "filter": "all",
        "limit": 50,
        "exchange": 1,
        "epoch": 0,
        "index": 0,
        "seq": 0,
        "value": 1,
        "resume": {"seq": 0},
        "token": canary.secrets["visitor"],
        "jwt": None,
        "context": {"page": own.marker},
        "attributes": {},
        "address": f"{own.marker}@canary.invalid",
        "fresh": False,
    }
    ids = {name: str(canary.rows[model].pk) for name, model in names().items() if model in canary.rows}
    return ids | {"tenant": str(canary.tenant.id), "tenant_id": str(canary.tenant.id)} | found


class Conversing:
    """`other` is answered, `own` is not."""

    def __init__(
        self, application: Any, own: Canary, other: Canary, tally: Tally, *, matching: str = ""
    ) -> None:
        self._application, self._own, self._other, self._tally = application, own, other, tally
        self._matching = matching

    def _kinds(self, consumer: Any) -> list[str]:
        return [kind for kind in addresses.frame_types(consumer) if self._matching in kind]

    async def control(self, found: list[tuple[Route, Any]]) -> None:
        """Every frame as its owner sends it."""
        self._count(found)
        for route, consumer in found:
            for kind in self._kinds(consumer) if consumer else ():
                await hop(self._other.another_set)()
                await self._controlled(route, consumer, kind)

    def _count(self, found: list[tuple[Route, Any]]) -> None:
        from consumers.base import Consumer

        behind = {consumer for _, consumer in found}
        for consumer in _heirs(Consumer) if found else ():
            if consumer not in behind and consumer.__module__.startswith("consumers."):
                self._tally.miss(f"socket {consumer.__name__}", "no path leads to it")
        for route, consumer in found:
            if consumer is None and getattr(route.view, "guard", "") != "nobody":
                self._tally.miss(f"socket {route.path}", "which consumer is behind it cannot be seen")

    async def _controlled(self, route: Route, consumer: Any, kind: str) -> None:
        name = f"frame {consumer.__name__}.{kind}"
        with noticing() as read:
            heard = await self._talk(route, consumer, self._other, self._other, [kind])
        errors = {str(frame.get("code")) for frame in heard or () if frame["type"] == "error"} - NOTHING_TO_DO
        known = fields(self._other, self._other)
        if heard is None:
            self._tally.miss(name, "its owner is not let in")
        elif errors:
            self._tally.miss(name, f"its owner is told {', '.join(sorted(errors))}")
        elif unknown := {one for one in read - set(known) - {"type"} if guess(one, names()) is None}:
            self._tally.miss(name, f"no value is known for its field {', '.join(sorted(unknown))}")
        self._tally.frames.add(name)

    async def try_all(self, found: list[tuple[Route, Any]]) -> None:
        """Every frame as a stranger sends it; and the other's own address."""
        for route, consumer in found:
            if consumer is None:
                continue
            kinds = self._kinds(consumer)
            for door in ("nobody", *self._doors(route)):
                await self._stand_before(route, consumer, door)
            for rows in tuple(self._other.sets[-2:]):
                self._other.sets.remove(rows)
                self._other.sets.append(rows)
                for kind in kinds:
                    self._judge(
                        f"{consumer.__name__}.{kind}",
                        await self._talk(route, consumer, self._own, self._other, [kind]),
                    )

    async def _stand_before(self, route: Route, consumer: Any, door: str) -> None:
        """At the other's address, with one's own credentials."""
        if not route.parameters:
            return
        socket = Socket(self._application, _path(route, self._other), self._headers(self._own, door))
        if await socket.opened():
            await socket.say(orjson.dumps({"type": "hello", "token": self._own.secrets["visitor"]}).decode())
            await self._quiet(socket)
        self._judge(f"{route.path} as {door}", _frames(socket), is_open=socket.closed is None)
        await socket.leave()

    async def _talk(
        self, route: Route, consumer: Any, own: Canary, other: Canary, kinds: list[str]
    ) -> list[dict[str, Any]] | None:
        """What is heard after these frames about `other`; what has to be said before is about `own`. None where nobody is let in."""
        socket = Socket(self._application, _path(route, own), self._headers(own, self._doors(route)[0]))
        if not await socket.opened():
            return None
        if not set(kinds) & ALONE:
            for kind in BEFORE.get(consumer.__name__, ()):
                await socket.say(orjson.dumps({**fields(own, own), "type": spelt(kind)}).decode())
            await self._answered(socket)
            socket.heard.clear()
        for kind in kinds:
            self._tally.probes += 1
            await socket.say(orjson.dumps({**fields(other, own), "type": spelt(kind)}).decode())
        await self._quiet(socket, long=own is other)
        heard = _frames(socket)
        await socket.leave()
        return heard

    async def _quiet(self, socket: Socket, *, long: bool = False) -> None:
        await self._answered(socket)
        await asyncio.sleep(QUIET if long else QUIET / 10)

    async def _answered(self, socket: Socket) -> None:
        pongs = sum('"pong"' in text for text in socket.heard)
        await socket.say('{"type":"ping"}')
        await socket.settle(lambda heard: sum('"pong"' in text for text in heard) > pongs)

    def _judge(self, what: str, heard: list[dict[str, Any]] | None, *, is_open: bool = False) -> None:
        self._tally.probes += 1
        said = orjson.dumps(heard).decode()
        if is_open:
            self._tally.leak(f"socket {what}: lets in a stranger")
        if any(mark in said for mark in self._other.marks("session")):
            self._tally.leak(f"frame {what}: tells what is {self._other.tenant.slug}'s")
        for frame in heard or ():
            if frame["type"] not in {"error", "pong", "ping"} and frame.get("chat") in {
                str(rows[Chat].id) for rows in self._other.sets
            }:
                self._tally.leak(f"frame {what}: {frame['type']} of a chat of {self._other.tenant.slug}'s")

    def _doors(self, route: Route) -> tuple[str, ...]:
        return VISITORS if getattr(route.view, "guard", "") == "visitor" else STAFF

    def _headers(self, canary: Canary, door: str) -> dict[str, str]:
        return {"origin": canary.origin} if door in {"visitor", "nobody"} else canary.headers(door)


class Listening:
    """A stranger's open sockets, while things happen at the other's."""

    def __init__(self, application: Any, own: Canary, other: Canary, tally: Tally) -> None:
        self._talk = Conversing(application, own, other, tally)
        self._application, self._own = application, own
        self._sockets: list[tuple[str, Socket]] = []

    async def begin(self, found: list[tuple[Route, Any]]) -> None:
        self._sockets.clear()
        for route, consumer in found:
            if consumer is not None:
                socket = Socket(
                    self._application,
                    _path(route, self._own),
                    self._talk._headers(self._own, self._talk._doors(route)[0]),
                )
                await socket.opened()
                for kind in (*BEFORE.get(consumer.__name__, ()), "inbox_filter"):
                    await socket.say(orjson.dumps({**fields(self._own, self._own), "type": kind}).decode())
                self._sockets.append((consumer.__name__, socket))

    async def end(self) -> None:
        await asyncio.sleep(QUIET)  # for what is on its way through Valkey
        for name, socket in self._sockets:
            self._talk._judge(f"{name}, listening", _frames(socket))
            await socket.leave()


def spelt(kind: str) -> str:
    """As it stands on the wire: `on_reply_stop` answers `reply.stop`, `on_take_over` answers `take_over`."""
    return next((name for name in acts.ACTS if name.replace(".", "_") == kind), kind)


def _path(route: Route, canary: Canary) -> str:
    known = names()
    values = {}
    for name in route.parameters:
        model = guess(name, known)
        values[name] = str(canary.rows[model].pk) if model in canary.rows else "1"
    return route.filled(values)


def _frames(socket: Socket) -> list[dict[str, Any]]:
    return [orjson.loads(text) for text in socket.heard if text]


def _heirs(kind: Any) -> Iterator[Any]:
    for heir in kind.__subclasses__():
        yield heir
        yield from _heirs(heir)
