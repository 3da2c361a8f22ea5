"""What a process writes to a chat comes back to its loop in any order: a reader of it misses nothing all the same."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from apps.chats import acts, bell, events, handoff, hub, replies, signals
from apps.chats.chatlog import ChatLog
from apps.chats.entries import STARTED, Entry
from tests.chats.conftest import script
from tests.chats.elsewhere import Elsewhere
from tests.chats.test_replies import ask, end, on_database, row, said, told
from tests.scripted import answer
from tests.world import House


@contextmanager
def between_commit_and_return(work: Callable[[], Coroutine[Any, Any, Any]]) -> Iterator[None]:
    """Once, in the loop, while the thread that has committed a question is not back yet."""
    loop = asyncio.get_running_loop()
    due = [work]

    def rung(exchange_id: UUID, **known: Any) -> None:
        if due:
            asyncio.run_coroutine_threadsafe(due.pop()(), loop).result(10)

    signals.exchange_recorded.connect(rung)
    try:
        yield
    finally:
        signals.exchange_recorded.disconnect(rung)


async def test_a_question_that_its_log_had_read_before_is_answered_whole(house: House) -> None:
    """Another tab reads the chat, whose log is brought up to date just then."""
    await on_database(script)(house, "tokens=20")
    chat = (first := await ask(house)).log.chat_id
    await told(first)
    tab = await hub.follow(chat)

    async def bring_up() -> None:
        await hub.here().catch_up_soon(tab.log)

    with between_commit_and_return(bring_up):
        second = await ask(house, chat=chat, message="m2")
    async with asyncio.timeout(10):
        entries = await told(second)
    tab.close()
    assert [entry.type for entry in entries][:2] == ["message", "reply.started"]
    assert (said(entries), end(entries)["type"]) == (answer("tokens=20"), "reply.completed")


async def test_a_stop_that_overtakes_the_question_stops_its_reply_and_is_told(house: House) -> None:
    await on_database(script)(house, "tokens=50 stall=20")
    chat = (await ask(house)).log.chat_id
    await replies.stop(chat)
    await replies.settle()
    hub.here().logs.clear()
    with between_commit_and_return(lambda: replies.stop(chat)):
        second = await ask(house, chat=chat, message="m2")
    async with asyncio.timeout(10):
        entries = await told(second)
        await replies.settle()
    assert [entry.type for entry in entries] == ["message", "reply.started", "reply.cancelled"]
    assert (await row(second)).reason == "stopped"


async def test_a_reply_that_was_taken_over_elsewhere_before_it_began_here_says_nothing(
    house: House, other: Elsewhere
) -> None:
    """The ring of it comes while nothing is known here of the chat."""
    await on_database(script)(house, "tokens=50 stall=20")
    chat = (await ask(house)).log.chat_id
    await replies.stop(chat)
    await replies.settle()
    hub.here().logs.clear()

    async def take_over() -> None:
        await other.do(handoff.take_over(chat, house.user))
        await asyncio.sleep(2 * bell.ECHO)

    with between_commit_and_return(take_over):
        second = await ask(house, chat=chat, message="m2")
    async with asyncio.timeout(10):
        await replies.settle()
        entries = await told(second)
    assert [entry.type for entry in entries if not entry.said][:3] == [
        "message",
        "reply.started",
        "reply.cancelled",
    ]
    assert (await row(second)).reason == "takeover"


async def test_a_question_is_followed_though_its_log_was_forgotten_meanwhile(house: House) -> None:
    """Nobody speaks in it here, and nobody read it yet."""
    chat = (await ask(house)).log.chat_id
    await handoff.take_over(chat, house.user)
    question = await ask(house, chat=chat, message="m2")
    hub.here().forget_if_idle(question.log)
    feed = await question.follow()
    await handoff.answer(chat, house.user, "This is Ada.", client_message_id="s1")
    await asyncio.sleep(2 * bell.ECHO)
    heard = [entry.text for entry in feed.take()]
    feed.close()
    assert len(heard) == 2
    assert "This is Ada." in heard[1]


async def test_a_reply_elsewhere_is_read_along_though_something_later_was_told_here_first(
    house: House, other: Elsewhere
) -> None:
    await on_database(script)(house, "tokens=40 stall=20")
    question = await other.do(ask(house))
    chat = question.log.chat_id
    await acts.act(chat, {"type": "csat", "value": 5}, offers=["csat"])
    feed = await hub.follow(chat)
    async with asyncio.timeout(10):
        async for entry in feed:
            if entry.said:
                break
    feed.close()
    assert (await row(question)).state == "running"
    await other.do(replies.stop(chat))
    await other.do(replies.settle())


async def test_what_a_reply_said_before_its_start_could_be_told_is_told_then() -> None:
    """Something of another process comes before it, and has to be read first."""

    class Speaker:
        spoken = [events.delta(1, 1, index, f"w{index} ") for index in range(2)]

        def fenced(self, epoch: int) -> None: ...

        def left(self) -> None: ...

    log, missing = ChatLog(uuid4(), uuid4()), list[int]()
    log.begin(5, None)
    log.on_gap, log.speaker = missing.append, Speaker()
    rated, started = Entry("feedback", "", 6), Entry(STARTED, "", 7, 1, 1)
    log.tell([started])
    log.hear(Speaker.spoken)
    assert (missing, log.since(0)) == ([7], [])
    log.tell([rated, started])
    log.hear([last := events.delta(1, 1, 2, "w2")])
    assert log.since(0) == [rated, started, *Speaker.spoken, last]
