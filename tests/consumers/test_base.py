"""What all sockets share, on the shipped server: feeds, the heartbeat, and work beside the reading of frames."""

import asyncio
import gc
import json
import threading
import time
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from apps.chats import frames
from apps.chats.chatlog import KEPT, ChatLog
from apps.chats.conversations import NoSuchChat
from apps.chats.events import Entry, Position
from apps.chats.feed import Feed
from consumers.base import GIVEN_UP, Consumer
from consumers.heartbeat import Heartbeat
from tests.bare import raw, serving, until

PATIENCE = 20.0
MIB = 1024 * 1024


def new_feed(*, start: int = 0) -> Feed:
    log = ChatLog(uuid4(), uuid4())
    log.begin(0, None)
    return Feed(log, start=start, position=Position(0), told=Position(0))


def tell(log: ChatLog, *texts: str) -> None:
    log.tell(
        [Entry("message", text, seq=(log.last_seq or 0) + number) for number, text in enumerate(texts, 1)]
    )


@pytest.fixture
def kind() -> type["Listener"]:
    """A class of its own for each test, whose sockets are kept, oldest first."""

    class Own(Listener):
        sockets: ClassVar[list[Listener]] = []
        heartbeat = Heartbeat()

    return Own


async def test_work_that_ends_before_it_began_is_put_away(recwarn: pytest.WarningsRecorder) -> None:
    """As when a ring comes in the same turn in which a socket goes: Python would warn of a coroutine that was never awaited."""
    gc.collect()  # of other tests
    recwarn.clear()
    socket, has_begun = Consumer(), False

    async def work() -> None:
        nonlocal has_begun
        has_begun = True

    socket.run(work())
    socket._leave()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()
    assert not has_begun
    assert not [one for one in recwarn if "never awaited" in str(one.message)]


class Listener(Consumer):
    channel_layer_alias = "none"
    sockets: ClassVar[list["Listener"]]
    refusal: ClassVar[Exception]

    async def connect(self) -> None:
        self.sockets.append(self)
        self.codes: asyncio.Queue[int] = asyncio.Queue()
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await super().disconnect(code)
        self.codes.put_nowait(code)

    async def on_fail(self, frame: dict[str, Any]) -> None:
        async def fail() -> None:
            raise ZeroDivisionError

        self.run(fail())

    async def on_fail_at_once(self, frame: dict[str, Any]) -> None:
        raise ZeroDivisionError

    async def on_refuse(self, frame: dict[str, Any]) -> None:
        async def refuse() -> None:
            raise self.refusal

        self.run(refuse())

    async def on_wait(self, frame: dict[str, Any]) -> None:
        self.run(asyncio.sleep(PATIENCE))


async def say(client: ClientConnection, kind: str) -> None:
    await client.send(json.dumps({"type": kind}))


async def hear(client: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        told: dict[str, Any] = json.loads(await client.recv())
        return told


async def close_code(client: ClientConnection) -> int:
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await client.recv()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def test_a_feed_is_sent_in_order_without_a_task_while_it_is_idle(kind: type[Listener]) -> None:
    async with serving(kind.as_asgi()) as running, connect(running.url) as client:
        await say(client, "ping")
        assert (await hear(client))["type"] == "pong"
        tasks, feed = len(asyncio.all_tasks()), new_feed()
        kind.sockets[0].attach(feed)
        for number in range(100):
            tell(feed.log, f"{number}")
            assert len(asyncio.all_tasks()) == tasks
        assert [await client.recv() for _ in range(100)] == [str(number) for number in range(100)]


async def test_another_feed_takes_the_place_of_the_first(kind: type[Listener]) -> None:
    async with serving(kind.as_asgi()) as running, connect(running.url) as client:
        await until(lambda: kind.sockets)
        first, second = new_feed(), new_feed()
        kind.sockets[0].attach(first)
        kind.sockets[0].attach(second)
        tell(first.log, "first")
        tell(second.log, "second")
        assert await client.recv() == "second"
        assert first.has_ended


async def test_a_socket_that_went_lets_go_of_its_feed_and_its_work(kind: type[Listener]) -> None:
    async with serving(kind.as_asgi()) as running:
        async with connect(running.url) as client:
            await say(client, "wait")
            await say(client, "ping")
            await hear(client)
            feed = new_feed()
            kind.sockets[0].attach(feed)
        await until(lambda: feed.has_ended and not kind.sockets[0]._work)
        late = new_feed()
        kind.sockets[0].attach(late)
        assert late.has_ended


async def test_a_client_that_does_not_read_costs_little_and_is_given_up(kind: type[Listener]) -> None:
    """The feed stays in its log; the server holds no more than its high-water mark."""
    kind.heartbeat = Heartbeat(every=0.8, limit=0.2)
    async with serving(kind.as_asgi()) as running, raw(running.port):
        await until(lambda: kind.sockets)
        feed = new_feed()
        kind.sockets[0].attach(feed)
        [connection] = running.server.server_state.connections
        text, most = "x" * 65536, 0
        for _ in range(400):
            tell(feed.log, text)
            most = max(most, connection.transport.get_write_buffer_size())
            await asyncio.sleep(0)
        assert most < MIB
        async with asyncio.timeout(PATIENCE):
            assert await kind.sockets[0].codes.get() == 1006
        assert feed.has_ended


async def test_a_client_that_is_merely_slow_is_not_given_up(kind: type[Listener]) -> None:
    """It takes a little all the time, and is for ever behind."""
    kind.heartbeat = Heartbeat(every=0.8, limit=0.3)
    async with serving(kind.as_asgi()) as running, connect(running.url, max_queue=1) as client:
        await until(lambda: kind.sockets)
        feed, texts = new_feed(), [f"{number} " + "x" * 65536 for number in range(200)]
        kind.sockets[0].attach(feed)
        tell(feed.log, *texts)
        for text in texts:
            assert await client.recv() == text
            await asyncio.sleep(0.005)
        client.transport.abort()  # it would wait for room in its own queue before it says goodbye


async def test_a_reader_who_fell_behind_what_is_kept_is_told_to_come_again(kind: type[Listener]) -> None:
    async with serving(kind.as_asgi()) as running, connect(running.url) as client:
        await until(lambda: kind.sockets)
        feed = new_feed()
        tell(feed.log, *map(str, range(2 * KEPT)))
        started = (feed.log.last_seq or 0) + 1
        feed.log.tell([Entry("reply.started", "{}", seq=started, exchange=1, epoch=1)])
        kind.sockets[0].attach(feed)
        assert await close_code(client) == GIVEN_UP
        assert feed.has_ended


async def test_a_client_is_pinged_and_stays_while_it_answers(kind: type[Listener]) -> None:
    kind.heartbeat = Heartbeat(every=0.1, patience=0.4)
    async with serving(kind.as_asgi()) as running, connect(running.url) as client:
        for _ in range(12):
            assert await hear(client) == {"type": "ping"}
            await say(client, "pong")


async def test_a_client_that_says_nothing_is_closed(kind: type[Listener]) -> None:
    """Its own WebSocket library answers the server's pings; the page behind it does not."""
    kind.heartbeat = Heartbeat(every=0.1, patience=0.3)
    async with serving(kind.as_asgi()) as running, connect(running.url) as client:
        assert await close_code(client) == GIVEN_UP
        assert await kind.sockets[0].codes.get() == GIVEN_UP


@pytest.mark.parametrize("kind_of_frame", ["fail", "fail.at.once"])
async def test_what_nobody_foresaw_is_logged_and_told_and_the_socket_stays(
    kind: type[Listener], kind_of_frame: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(kind.as_asgi()) as running, connect(running.url) as client:
        await say(client, kind_of_frame)
        assert (await hear(client))["code"] == "internal"
        await say(client, "ping")
        assert (await hear(client))["type"] == "pong"
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (frames.BadFrame("refused", "No."), "refused"),
        (NoSuchChat("There is no such chat."), "no_such_chat"),
        (OperationalError("the connection is lost"), "unavailable"),
    ],
)
async def test_what_was_foreseen_is_told_without_a_traceback(
    kind: type[Listener], error: Exception, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    kind.refusal = error
    async with serving(kind.as_asgi()) as running, connect(running.url) as client:
        await say(client, "refuse")
        assert (await hear(client))["code"] == code
    assert "Traceback" not in caplog.text


async def test_no_frame_waits_for_a_thread(kind: type[Listener]) -> None:
    """Channels hops to its one thread before each event: behind somebody's slow statement all sockets would wait."""
    is_over = threading.Event()
    slow = asyncio.create_task(sync_to_async(is_over.wait)(PATIENCE))
    async with serving(kind.as_asgi()) as running, connect(running.url) as client:
        await say(client, "ping")
        assert (await hear(client))["type"] == "pong"
    assert not slow.done()
    is_over.set()
    await slow


class Quiet:
    """A socket as the heartbeat sees it."""

    heard_at = 0.0
    slot = 0
    pinged = 0

    def ping(self) -> None:
        self.pinged += 1
        self.heard_at = time.monotonic()

    def give_up(self) -> None:
        raise AssertionError("it answers")


async def test_a_thousand_that_came_at_once_are_not_pinged_at_once() -> None:
    beat, sockets = Heartbeat(every=0.8, patience=2.0), [Quiet() for _ in range(1000)]
    for socket in sockets:
        beat.join(socket)
    most = before = 0
    while before < 1000:
        await asyncio.sleep(0.005)
        now = sum(socket.pinged for socket in sockets)
        most, before = max(most, now - before), now
    assert most <= 500
    for socket in sockets:
        beat.leave(socket)


async def test_the_heartbeat_rests_while_there_are_no_sockets() -> None:
    beat = Heartbeat(every=0.1)
    for _ in range(2):
        socket = Quiet()
        beat.join(socket)
        await until(lambda: socket.pinged)  # noqa: B023
        beat.leave(socket)
        await until(lambda: beat._loop is None)
