"""The protocol under every order of events that hypothesis can think of: two tabs of one visitor and one member of staff, on two
processes that may die. A process is an event loop in a thread; the core knows no other boundary than the loop, the databases and Valkey
are the real ones, and a loop that is stopped says no last word. `PROTOCOL_EXAMPLES=500` tries harder, and others than the usual ones."""

import asyncio
import itertools
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps.agents.models import Agent
from apps.chats import events, handoff, hub, relay, replies
from apps.chats.conversations import chat_id_for
from apps.chats.events import Entry, Position
from apps.chats.replies import Opening
from apps.tenants import valkey
from tests import trace
from tests.client import SETTLED, Seen, Transcript
from tests.scripted import answer
from tests.world import House

Result = TypeVar("Result")
SCRIPT = "tokens=24 rate=120 text=salted"
PATIENCE = 20.0
LEASE, FREEZE = 0.5, 1.0
# Real processes keep real time: a failure may not come again, so that looking for a smaller one only takes long.
EXAMPLES = hypothesis.settings(
    max_examples=int(os.environ.get("PROTOCOL_EXAMPLES", "20")),
    stateful_step_count=20,
    derandomize="PROTOCOL_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


class Process:
    """An event loop that can be stopped for good in the middle of whatever it does."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        async def inside() -> Result:
            with self._house.scope():
                return await work()

        return asyncio.run_coroutine_threadsafe(inside(), self.loop).result(PATIENCE)

    def begin(self, work: Callable[[], Coroutine[Any, Any, Any]], *, leave_after: float) -> None:
        """Whoever asked for it goes before it is done."""

        async def inside() -> None:
            with self._house.scope(), suppress(TimeoutError):
                await asyncio.wait_for(work(), leave_after)

        asyncio.run_coroutine_threadsafe(inside(), self.loop).result(PATIENCE)

    def die(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)

    def bury(self) -> None:
        """End what never ran again, so that nothing complains of it."""
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            _, left = self.loop.run_until_complete(asyncio.wait(tasks, timeout=PATIENCE))
            assert not left, [(task, task.get_stack()) for task in left]
        self.loop.close()


class Tab:
    """The reference client's transcript behind a feed, as a socket would hand it over."""

    def __init__(self) -> None:
        self.transcript = Transcript()
        self.trace: list[Seen] = []
        self._connection = 0
        self._process: Process | None = None
        self._feed: hub.Feed | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        return self._process is not None

    def open(self, process: Process, chat_id: uuid.UUID) -> None:
        self._process = process
        self._connection += 1
        process.do(lambda: self._begin(chat_id))

    def cut(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.loop.is_running():
            process.do(self._close)

    async def _close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        if self._feed is not None:
            self._feed.close()

    async def _begin(self, chat_id: uuid.UUID) -> None:
        self._feed = await self._follow(chat_id, "hello")
        self._reading = asyncio.get_running_loop().create_task(self._read(chat_id))

    async def _follow(self, chat_id: uuid.UUID, kind: str) -> hub.Feed:
        position = self.transcript.position() if self.transcript.chat else None
        self._note(
            "sent",
            {"type": kind, **({"resume": position} if kind == "hello" and position else position or {})},
        )
        feed = await hub.follow(chat_id, Position(**position) if position else None)
        welcome = json.loads(events.encode(events.frame("welcome", **feed.welcome)))
        self._note("received", welcome)
        self.transcript.apply(welcome)
        return feed

    async def _read(self, chat_id: uuid.UUID) -> None:
        """From feed to feed: where something is missing, the next one goes on from where this one was."""
        while self._feed is not None:
            async for entry in self._feed:
                if self._hear(entry):
                    break
            self._feed.close()
            self._feed = await self._follow(chat_id, "resume")

    def hear(self, entry: Entry) -> None:
        self._hear(entry)

    def _hear(self, entry: Entry) -> bool:
        frame = json.loads(entry.text)
        self._note("received", frame)
        return self.transcript.apply(frame)

    def _note(self, way: str, frame: dict[str, Any]) -> None:
        self.trace.append(Seen(time.monotonic(), self._connection, way, frame))


class Protocol(RuleBasedStateMachine):
    """The model is small: which messages were sent in which order, who handles the chat, and whether it is resolved."""

    house: ClassVar[House]
    agents: ClassVar[dict[bool, Agent]]
    numbers = itertools.count(1)

    def __init__(self) -> None:
        super().__init__()
        self.processes = [Process(self.house), Process(self.house)]
        self.dead: list[Process] = []
        self.tabs = [Tab(), Tab()]
        self.sent: list[str] = []
        self.exchanges: dict[str, int] = {}
        self.handled_by = "agent"
        self.is_resolved = False
        self.said_by_staff = 0
        self.has_frozen = False

    @initialize(may_interrupt=st.booleans())
    def begin(self, may_interrupt: bool) -> None:
        self.opening = Opening(self.agents[may_interrupt].id, f"visitor-{next(self.numbers)}")
        self.chat_id = chat_id_for(self.opening, "m1")
        self._ask(0, "m1")
        for number, tab in enumerate(self.tabs):
            tab.open(self.processes[number], self.chat_id)

    @rule(at=st.integers(0, 1))
    def send(self, at: int) -> None:
        self._ask(at, f"m{len(self.sent) + 1}")
        self.is_resolved = False

    @rule(at=st.integers(0, 1), leave_after=st.sampled_from([0.0005, 0.003, 0.01]))
    def send_and_leave(self, at: int, leave_after: float) -> None:
        """Whether it is on record only sending it again can tell; it is answered once either way."""
        name = f"m{len(self.sent) + 1}"
        self.processes[at].begin(lambda: self._asked(name), leave_after=leave_after)
        self._ask(at, name, is_known=False)
        self.is_resolved = False

    @rule(at=st.integers(0, 1), data=st.data())
    def send_again(self, at: int, data: st.DataObject) -> None:
        """What was sent already is acknowledged as the exchange that it was."""
        self._ask(at, data.draw(st.sampled_from(self.sent)))

    @rule(at=st.integers(0, 1))
    def stop(self, at: int) -> None:
        self.processes[at].do(lambda: replies.stop(self.chat_id))

    @rule(tab=st.integers(0, 1))
    def cut(self, tab: int) -> None:
        self.tabs[tab].cut()

    @rule(tab=st.integers(0, 1), at=st.integers(0, 1))
    def resume(self, tab: int, at: int) -> None:
        self.tabs[tab].cut()
        self.tabs[tab].open(self.processes[at], self.chat_id)

    @rule(pause=st.sampled_from([0.01, 0.05, 0.15, 0.4]))
    def let_time_pass(self, pause: float) -> None:
        time.sleep(pause)

    @precondition(lambda self: len(self.dead) < 2)  # each takes a lease's time to be noticed
    @rule(at=st.integers(0, 1))
    def crash(self, at: int) -> None:
        self._replace(at)

    @precondition(lambda self: len(self.dead) < 2)
    @rule(at=st.integers(0, 1))
    def restart(self, at: int) -> None:
        """What it was saying is left to the others."""
        self.processes[at].do(lambda: replies.drain(0))
        self._replace(at)

    @precondition(lambda self: not self.has_frozen)
    @rule(at=st.integers(0, 1))
    def freeze(self, at: int) -> None:
        """So long that its lease runs out and others take its reply up; then it goes on, and knows nothing of that."""
        self.has_frozen = True
        self.processes[at].loop.call_soon_threadsafe(time.sleep, FREEZE)

    @rule(at=st.integers(0, 1))
    def lose_the_relay(self, at: int) -> None:
        """As when Valkey comes back empty: nobody but the process that replies remembers its deltas."""
        name = relay.key(self.house.tenant.id.hex, self.chat_id.hex)

        async def forget() -> None:
            await valkey.client().delete(name)

        self.processes[at].do(forget)

    def _replace(self, at: int) -> None:
        died, self.processes[at] = self.processes[at], Process(self.house)
        died.die()
        self.dead.append(died)
        for tab in self.tabs:
            if tab.is_open and tab._process is died:
                tab.cut()

    @precondition(lambda self: self.handled_by == "agent" and not self.is_resolved)
    @rule(at=st.integers(0, 1))
    def ask_for_a_person(self, at: int) -> None:
        self.processes[at].do(lambda: handoff.request(self.chat_id))
        self.handled_by = "waiting"

    @precondition(lambda self: self.handled_by != "staff" and not self.is_resolved)
    @rule(at=st.integers(0, 1))
    def take_over(self, at: int) -> None:
        self.processes[at].do(lambda: handoff.take_over(self.chat_id, self.house.user))
        self.handled_by = "staff"

    @precondition(lambda self: self.handled_by == "staff")
    @rule(at=st.integers(0, 1))
    def answer(self, at: int) -> None:
        self.said_by_staff += 1
        name = f"s{self.said_by_staff}"
        self.processes[at].do(
            lambda: handoff.answer(self.chat_id, self.house.user, "A person.", client_message_id=name)
        )

    @precondition(lambda self: self.handled_by == "staff")
    @rule(at=st.integers(0, 1))
    def hand_back(self, at: int) -> None:
        self.processes[at].do(lambda: handoff.hand_back(self.chat_id, self.house.user))
        self.handled_by = "agent"

    @precondition(lambda self: self.handled_by == "staff")
    @rule(at=st.integers(0, 1))
    def resolve(self, at: int) -> None:
        self.processes[at].do(lambda: handoff.resolve(self.chat_id, self.house.user))
        self.handled_by, self.is_resolved = "agent", True

    def _ask(self, at: int, name: str, *, is_known: bool = True) -> None:
        """`is_known`: whether it is on record already is what the model says."""
        question = self.processes[at].do(lambda: self._asked(name))
        number = question.asked.exchange.number
        assert self.exchanges.setdefault(name, number) == number
        assert not is_known or question.asked.is_new == (name not in self.sent)
        self.tabs[at].hear(question.ack)
        if name not in self.sent:
            self.sent.append(name)

    async def _asked(self, name: str) -> replies.Question:
        return await replies.ask(
            self.chat_id, f"Text of {name}", client_message_id=name, opening=self.opening
        )

    def teardown(self) -> None:
        try:
            if self.sent:
                for number, tab in enumerate(self.tabs):
                    if not tab.is_open:
                        tab.open(self.processes[number], self.chat_id)
                self._come_to_rest()
                faults = list(self._faults())
                assert not faults, "\n".join([*faults, *self._story()])
        finally:
            self._bury()

    def _come_to_rest(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while any(self._unrest()):
            assert time.monotonic() < deadline, list(self._unrest())
            time.sleep(0.02)

    def _unrest(self) -> Iterator[str]:
        with self.house.scope():
            rows = trace.rows_of(self.chat_id)
        for one in rows.exchanges:
            if one["state"] not in SETTLED:
                yield f"exchange {one['number']} is {one['state']}"
        for number, tab in enumerate(self.tabs):
            if tab.transcript.seq < rows.chat["last_seq"]:
                yield f"tab {number} is at {tab.transcript.seq} of {rows.chat['last_seq']}"

    def _faults(self) -> Iterator[str]:
        with self.house.scope():
            rows = trace.rows_of(self.chat_id)
        yield from trace.record_faults(rows)
        for number, tab in enumerate(self.tabs):
            found = [
                *trace.message_faults(tab.trace, rows),
                *trace.wire_faults(tab.trace),
                *trace.log_faults(tab.transcript.log),
                *trace.text_faults(tab.transcript, rows),
            ]
            yield from (f"tab {number}: {fault}" for fault in found)
        yield from self._differences(rows)

    def _story(self) -> Iterator[str]:
        """What every tab was told, a line a frame."""
        for number, tab in enumerate(self.tabs):
            for seen in tab.trace:
                shown = {
                    key: value for key, value in seen.frame.items() if key not in {"v", "ts", "chat", "text"}
                }
                yield f"tab {number} {seen.at:.3f} {seen.connection} {seen.way} {shown}"

    def _differences(self, rows: trace.Rows) -> Iterator[str]:
        """From the model."""
        asked = [one["client_message_id"] for one in rows.exchanges if one["request"]]
        if asked != self.sent:
            yield f"asked were {asked}, sent {self.sent}"
        if rows.chat["handled_by"] != self.handled_by:
            yield f"handled by {rows.chat['handled_by']}, not {self.handled_by}"
        if sum(not one["request"] for one in rows.exchanges) != self.said_by_staff:
            yield "messages of staff are missing or doubled"
        for one in rows.exchanges:
            whole = answer(SCRIPT, like=one["response"])
            if one["state"] == "completed" and one["request"] and one["response"] != whole:
                yield f"exchange {one['number']} completed with {one['response']!r}"
            if one["state"] == "stopped" and not whole.startswith(one["response"]):
                yield f"exchange {one['number']} stopped with {one['response']!r}"

    def _bury(self) -> None:
        for process in self.processes:
            process.die()
        for process in (*self.processes, *self.dead):
            process.bury()


def test_every_order_of_events_ends_well(
    houses: tuple[House, House],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.LEASE_SECONDS = LEASE
    monkeypatch.setattr(hub, "QUIET", 0.3)
    monkeypatch.setattr(hub, "TICK", 0.1)
    Protocol.house, _ = houses
    Protocol.agents = {may: Protocol.house.scripted(SCRIPT) for may in (False, True)}
    with Protocol.house.scope():
        Protocol.agents[True].second_message = "interrupt"
        Protocol.agents[True].save()
    run_state_machine_as_test(Protocol, settings=EXAMPLES)
