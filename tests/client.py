"""The reference client of the visitor's socket. `Transcript` is every rule of docs/protocol.md and needs no network; `Client`
keeps a socket open around it, whatever happens to that."""

import asyncio
import contextlib
import hashlib
import itertools
import json
import random
import time
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

Frame = dict[str, Any]
ENDS = {"reply.completed": "completed", "reply.cancelled": "stopped", "reply.failed": "failed"}
SETTLED = {"completed", "stopped", "failed", "waiting"}
PASSING = {"unavailable", "too_many"}  # why something is refused that may be sent again in a moment
TOO_MANY = 4429  # there may be room later
HEARTBEAT = 45.0
LONGEST_PAUSE = 5.0


@dataclass
class Exchange:
    """One exchange as the client shows it; `parts` are the deltas of `epoch`, by their index."""

    request: str = ""
    state: str = "queued"
    epoch: int = 0
    parts: list[str] = field(default_factory=list)
    client_message_id: str = ""
    name: str | None = None
    is_refetched: bool = False

    @property
    def response(self) -> str:
        return "".join(self.parts)


class Transcript:
    """What a client knows of one chat. `apply` takes every frame; it answers whether something is missing, so that the client
    has to send `resume` with `position()`. `log` is what changed something, in its order."""

    def __init__(self) -> None:
        self.chat: str | None = None
        self.seq = 0
        self.fence = 0  # the epoch of the last handoff: deltas below it are late
        self.handled_by = "agent"
        self.exchanges: dict[int, Exchange] = {}
        self.log: list[Frame] = []

    def apply(self, frame: Frame) -> bool:
        kind, seq = frame["type"], frame.get("seq")
        if kind == "ack":
            self.chat = frame["chat"]
            return False
        if seq is not None and seq > self.seq + 1:
            return True
        if (seq is None and kind not in HANDLERS) or (seq is not None and seq <= self.seq):
            return False
        is_missing = HANDLERS.get(kind, Transcript._noted)(
            self, frame
        )  # durable frames of later servers count as well
        if not is_missing and seq is not None:
            self.seq = max(self.seq, seq)
        return is_missing

    def position(self) -> Frame:
        """Where to go on: the last `seq`, and the last delta of a reply that has not ended."""
        for number, one in self.exchanges.items():
            if one.state == "running" and one.parts:
                last = {"exchange": number, "epoch": one.epoch, "index": len(one.parts) - 1}
                return {"seq": self.seq, **last}
        return {"seq": self.seq}

    def exchange_of(self, client_message_id: str) -> Exchange | None:
        found = (one for one in self.exchanges.values() if one.client_message_id == client_message_id)
        return next(found, None)

    def is_settled(self, client_message_id: str) -> bool:
        """Whether this message is on record and its reply has come to its end, or a person will answer."""
        found = self.exchange_of(client_message_id)
        return found is not None and found.state in SETTLED

    def _welcome(self, frame: Frame) -> bool:
        """Recovered, nothing is retold and what was missed follows. Otherwise, and the first time, all is replaced."""
        is_ours = self.chat is not None and frame["chat"] == self.chat
        self.handled_by = frame["handled_by"]
        if not (is_ours and frame["recovered"] and not frame["messages"]):
            self.chat, self.seq, self.fence = frame["chat"], frame["last_seq"], 0
            self.exchanges = {told["exchange"]: _told(told) for told in frame["messages"]}
        self.log.append(frame)
        return False

    def _message(self, frame: Frame) -> bool:
        one = self.exchanges.setdefault(frame["exchange"], Exchange())
        one.client_message_id = frame.get("client_message_id") or ""
        one.name = frame.get("name")
        if frame["from"] == "staff":
            one.parts, one.state = [frame["text"]], "completed"
        else:
            one.request, one.state = frame["text"], "queued" if self.handled_by == "agent" else "waiting"
        self.log.append(frame)
        return False

    def _started(self, frame: Frame) -> bool:
        """The rule that makes replies safe: throw away what there is of this exchange, its deltas follow from index 0."""
        one = self.exchanges.setdefault(frame["exchange"], Exchange())
        if frame["epoch"] >= one.epoch:
            one.epoch, one.parts, one.state = frame["epoch"], [], "running"
            self.log.append(frame)
        return False

    def _delta(self, frame: Frame) -> bool:
        one = self.exchanges.get(frame["exchange"])
        if one is None or frame["epoch"] > one.epoch:
            return bool(frame["epoch"] >= self.fence)
        is_late = frame["epoch"] < max(one.epoch, self.fence) or one.state != "running"
        if is_late or frame["index"] < len(one.parts):
            return False
        if frame["index"] > len(one.parts):
            return True
        one.parts.append(frame["text"])
        self.log.append(frame)
        return False

    def _ended(self, frame: Frame) -> bool:
        """A text with another hash is thrown away and asked for again, once, by the `seq` before this end."""
        one = self.exchanges.setdefault(frame["exchange"], Exchange())
        digest = hashlib.sha256(one.response.encode()).hexdigest()
        if frame["sha256"] not in (None, digest) and not one.is_refetched:
            one.parts, one.state, one.is_refetched = [], "queued", True
            return True
        one.epoch, one.state = frame["epoch"], ENDS[frame["type"]]
        self.log.append(frame)
        return False

    def _handed(self, frame: Frame) -> bool:
        self.fence = max(self.fence, frame["epoch"])
        self.handled_by = frame["state"]
        if self.handled_by != "agent":
            for one in self.exchanges.values():
                one.state = "waiting" if one.state == "queued" else one.state
        self.log.append(frame)
        return False

    def _resolved(self, frame: Frame) -> bool:
        """If it is opened again, the agent has it; what was queued then stays as it is."""
        self.handled_by = "agent"
        for one in self.exchanges.values():
            one.state = "waiting" if one.state == "queued" else one.state
        self.log.append(frame)
        return False

    def _noted(self, frame: Frame) -> bool:
        self.log.append(frame)
        return False


HANDLERS: dict[str, Callable[[Transcript, Frame], bool]] = {
    "welcome": Transcript._welcome,
    "message": Transcript._message,
    "reply.started": Transcript._started,
    "reply.delta": Transcript._delta,
    "handoff": Transcript._handed,
    "resolved": Transcript._resolved,
    **dict.fromkeys(ENDS, Transcript._ended),
}


def _told(told: Frame) -> Exchange:
    """An entry of `messages`; the text of a running reply follows as deltas."""
    is_ended = told["state"] in SETTLED
    return Exchange(
        told["request"],
        told["state"],
        parts=[told["response"]] if is_ended and told["response"] else [],
        client_message_id=told["client_message_id"],
        name=told["name"],
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of a client's trace: `way` is connect, sent, received or closed; `connection` counts from 1."""

    at: float
    connection: int
    way: str
    frame: Frame


class Refused(Exception):
    """The server wants no more of this client: it closed with 44xx, which coming back would not change."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}".strip())
        self.code = code


class Client:
    """One visitor. Every new connection goes to the next of the addresses; `async with` keeps one open until the block ends.

    `cut` is asked after each received frame and, where it says yes, the socket is torn without a word."""

    def __init__(self, *addresses: str, origin: str, cut: Callable[[Frame], bool] | None = None) -> None:
        self.transcript = Transcript()
        self.trace: list[Seen] = []
        self.unacknowledged: dict[str, str] = {}
        self.rejected: dict[str, str] = {}
        self.cut = cut
        self.connection = 0
        self.address = ""
        self._addresses = itertools.cycle(addresses)
        self._origin = origin
        self._token: str | None = None
        self._socket: ClientConnection | None = None
        self._is_welcome = False
        self._waiting: list[tuple[Callable[[Transcript], bool], asyncio.Future[None]]] = []
        self._refusal: Refused | None = None

    async def __aenter__(self) -> "Client":
        self._running = asyncio.create_task(self._keep_connected())
        await self.until(lambda transcript: self._is_welcome)
        return self

    async def __aexit__(self, *error: object) -> None:
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running

    async def ask(self, text: str) -> str:
        """Send a message; returns its client_message_id, under which it is sent until it is acknowledged."""
        name = str(uuid.uuid4())
        self.unacknowledged[name] = text
        if self._is_welcome and len(self.unacknowledged) == 1:
            await self._send_next()
        return name

    async def until(self, holds: Callable[[Transcript], bool]) -> None:
        """Wait for a frame after which this holds of the transcript. Raises Refused where none comes any more."""
        if not holds(self.transcript):
            if self._refusal is not None:
                raise self._refusal
            waiting = (holds, asyncio.get_running_loop().create_future())
            self._waiting.append(waiting)
            try:
                await waiting[1]
            finally:
                self._waiting.remove(waiting)

    async def say(self, kind: str, **fields: Any) -> None:
        """Send a frame if there is a connection; what has to arrive is said again after the next `welcome`."""
        frame = {"type": kind, **fields}
        self._note("sent", frame)
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(json.dumps(frame))

    async def _keep_connected(self) -> None:
        failures = 0
        while self._refusal is None:
            self.connection += 1
            self._is_welcome = False
            self.address = next(self._addresses)
            self._note("connect", {"address": self.address})
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                await self._converse(self.address)
            failures = 0 if self._is_welcome else failures + 1
            await asyncio.sleep(random.random() * min(LONGEST_PAUSE, 0.05 * 2**failures))

    async def _converse(self, address: str) -> None:
        options: Any = {"origin": self._origin, "compression": None, "max_size": None, "ping_interval": None}
        async with connect(address, open_timeout=HEARTBEAT, close_timeout=0.1, **options) as socket:
            self._socket = socket
            try:
                await self._greet()
                while True:
                    async with asyncio.timeout(HEARTBEAT):
                        frame = json.loads(await socket.recv())
                    await self._hear(frame)
                    if self.cut is not None and self.cut(frame):
                        socket.transport.abort()
            except ConnectionClosed as closed:
                self._note("closed", {"code": closed.rcvd.code if closed.rcvd else 1006})
                if closed.rcvd and closed.rcvd.code // 100 == 44 and closed.rcvd.code != TOO_MANY:
                    self._give_up(Refused(closed.rcvd.code, closed.rcvd.reason))
            finally:
                self._socket = None

    def _give_up(self, refusal: Refused) -> None:
        self._refusal = refusal
        for _, waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(refusal)

    async def _greet(self) -> None:
        hello: Frame = {"token": self._token} if self._token else {}
        if self.transcript.chat is not None:
            hello |= {"chat": self.transcript.chat, "resume": self.transcript.position()}
        self._is_resuming = False
        await self.say("hello", **hello)

    async def _hear(self, frame: Frame) -> None:
        self._note("received", frame)
        kind = frame["type"]
        is_missing = self.transcript.apply(frame)
        if kind == "ping":
            await self.say("pong")
        elif kind == "welcome":
            await self._welcomed(frame)
        elif kind in {"ack", "message"}:
            await self._acknowledged(frame.get("client_message_id") or "")
        elif kind == "error":
            await self._refused(frame)
        if is_missing and not self._is_resuming:
            self._is_resuming = True
            await self._resume()
        for holds, waiting in self._waiting:
            if not waiting.done() and holds(self.transcript):
                waiting.set_result(None)

    async def _welcomed(self, frame: Frame) -> None:
        """The first of a connection is the moment to say again what was not acknowledged."""
        self._token, self._is_resuming = frame["token"], False
        if not self._is_welcome:
            self._is_welcome = True
            await self._send_next()

    async def _send_next(self) -> None:
        """One at a time, or a message that could not be saved would be overtaken by the next."""
        for name, text in self.unacknowledged.items():
            await self.say("message.send", client_message_id=name, text=text)
            return

    async def _acknowledged(self, name: str) -> None:
        if self.unacknowledged.pop(name, None) is not None:
            await self._send_next()

    async def _refused(self, frame: Frame) -> None:
        """For good, unless the server only could not do it now. What names no message may have been the answer to a `resume`."""
        name, is_passing = frame.get("client_message_id"), frame["code"] in PASSING
        pause = frame.get("retry_after", 0.5) + random.random()
        if name in self.unacknowledged and not is_passing:
            self.rejected[name] = frame["code"]
            await self._acknowledged(name)
        elif is_passing and (name in self.unacknowledged or self._is_resuming):
            again = self._send_next if name else self._resume
            asyncio.get_running_loop().call_later(pause, self._try_again, again)

    async def _resume(self) -> None:
        await self.say("resume", **self.transcript.position())

    def _try_again(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if self._is_welcome:
            self._again = asyncio.create_task(work())

    def _note(self, way: str, frame: Frame) -> None:
        self.trace.append(Seen(time.monotonic(), self.connection, way, frame))
