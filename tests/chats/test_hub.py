"""Going on from any point, in any process: nothing missing, nothing doubled, and a gap is said."""

import asyncio
import uuid
from datetime import datetime, timedelta, tzinfo
from typing import ClassVar
from uuid import UUID

import orjson
import pytest
from channels.db import database_sync_to_async

from apps.chats import chatlog, conversations, handoff, hub, impressions, ledger, replies
from apps.chats.chatlog import ChatLog
from apps.chats.conversations import Opening
from apps.chats.events import ENDS, STARTED, Entry, Position
from apps.chats.feed import Feed
from apps.chats.hub import _missed as missed
from apps.chats.ledger import NoSuchChat
from apps.chats.models import Chat, ContentChat
from apps.chats.recall import Recalled
from apps.tenants import valkey
from tests.chats.conftest import script
from tests.chats.elsewhere import Elsewhere
from tests.chats.test_bell import connected
from tests.chats.test_replies import ask, expire, opened, until_said
from tests.scripted import answer
from tests.world import House

on_database = database_sync_to_async
MODEL = "tokens=60 rate=400"


async def to_the_end(feed: Feed) -> list[Entry]:
    entries: list[Entry] = []
    try:
        async for entry in feed:
            entries.append(entry)
            if entry.type in ENDS:
                return entries
    finally:
        feed.close()
    return entries


def text_of(entries: list[Entry], known: str = "") -> str:
    """What a client shows: a reply's start throws away what it had."""
    for entry in entries:
        known = "" if entry.type == "reply.started" else known + entry.said
    return known


async def complete(chat: UUID, position: Position) -> list[Entry]:
    return await to_the_end(await hub.follow(chat, position))


async def test_a_reader_goes_on_from_every_index_of_a_running_reply_elsewhere(
    house: House, other: Elsewhere
) -> None:
    await on_database(script)(house, "tokens=40 rate=100")
    question = await other.do(ask(house))
    seen: list[Entry] = []
    position = Position(0)
    while not seen or seen[-1].type not in ENDS:
        feed = await hub.follow(question.log.chat_id, position)
        assert feed.welcome["recovered"] is True, (position, feed.welcome, seen[-3:])
        async for entry in feed:
            seen.append(entry)
            if entry.said:
                break  # the line is cut after every delta
            if entry.type in ENDS:
                break
        position = feed.position
        feed.close()
    assert text_of(seen) == answer("tokens=40 rate=100")
    seqs = [entry.seq for entry in seen if entry.seq is not None]
    assert seqs == [1, 2, 3]


async def test_a_finished_reply_goes_on_from_every_index(house: House, other: Elsewhere) -> None:
    model = f"{MODEL} text=unicode"  # cut by characters, not by bytes
    await on_database(script)(house, model)
    question = await other.do(ask(house))
    whole = await other.do(complete(question.log.chat_id, Position(0)))
    deltas = [entry for entry in whole if entry.said]
    for cut in range(len(deltas)):
        position = Position(2, 1, 1, cut)
        feed = await hub.follow(question.log.chat_id, position)
        assert feed.welcome["recovered"] is True
        known = "".join(entry.said for entry in deltas[: cut + 1])
        assert text_of(await to_the_end(feed), known) == answer(model)


async def test_a_finished_reply_goes_on_from_the_database_when_the_stream_is_lost(
    house: House, other: Elsewhere
) -> None:
    await on_database(script)(house, MODEL)
    question = await other.do(ask(house))
    whole = await other.do(complete(question.log.chat_id, Position(0)))
    await valkey.client().flushall()
    missed = await complete(question.log.chat_id, Position(2, 1, 1, 3))
    known = "".join(entry.said for entry in whole if entry.said and (entry.index or 0) <= 3)
    assert text_of(missed, known) == answer(MODEL)


async def test_a_reader_far_behind_is_told_so_and_everything_anew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.chats.recall.FARTHEST", 2)
    question = await ask(house)
    await to_the_end(await question.follow())
    feed = await hub.follow(question.log.chat_id, Position(0))
    feed.close()
    assert feed.welcome["recovered"] is False
    assert [message["state"] for message in feed.welcome["messages"]] == ["completed"]


async def test_a_lost_stream_is_written_again_from_its_beginning(house: House, other: Elsewhere) -> None:
    """While it is still being said: its end would tell all of it from the database."""
    await on_database(script)(house, "tokens=60 rate=60 stall=40")
    question = await other.do(ask(house))
    await until_said(question.log.chat_id, 3)
    await valkey.client().flushall()
    feed, told = await hub.follow(question.log.chat_id, Position(0)), list[Entry]()
    async with asyncio.timeout(20):
        async for entry in feed:
            told.append(entry)
            if len(text_of(told).split()) == 40:
                break
    feed.close()
    assert answer("tokens=60").startswith(text_of(told))
    assert [entry.index for entry in told if entry.said][:5] == [0, 1, 2, 3, 4]


async def test_a_seq_that_never_was_is_not_believed(house: House) -> None:
    question = await ask(house)
    await to_the_end(await question.follow())
    feed = await hub.follow(question.log.chat_id, Position(99))
    feed.close()
    assert feed.welcome["recovered"] is False
    assert len(feed.welcome["messages"]) == 1


@pytest.mark.parametrize("position", [Position(2, 1, 1, 999), Position(2, 7, 7, 0)])
async def test_a_delta_that_never_was_gets_the_reply_anew(house: House, position: Position) -> None:
    await on_database(script)(house, "tokens=10")
    question = await ask(house)
    await to_the_end(await question.follow())
    assert text_of(await complete(question.log.chat_id, position), "nonsense") == answer("tokens=10")


@pytest.mark.parametrize("position", [Position(2), None])
async def test_a_reply_that_ends_while_a_reader_comes_is_told_whole(
    house: House, monkeypatch: pytest.MonkeyPatch, position: Position | None
) -> None:
    """Between what the database told of it and what the log goes on with, the next one has begun."""
    await on_database(script)(house, "tokens=30 rate=100")
    question = await ask(house)
    log, watching, recall = question.log, await question.follow(), hub.here()._recall
    await ask(house, chat=log.chat_id, message="m2")
    await until_said(log.chat_id, 3)

    async def slowly(log: ChatLog, position: Position | None) -> Recalled:
        found = await recall(log, position)
        async for entry in watching:
            if entry.type == STARTED and entry.exchange == 2:
                break
        return found

    monkeypatch.setattr(hub.here(), "_recall", slowly)
    entries = await to_the_end(await hub.follow(log.chat_id, position))
    assert text_of(entries) == answer("tokens=30 rate=100")
    watching.close()
    await replies.settle()


async def test_without_a_position_the_last_exchanges_and_the_running_reply_are_told(house: House) -> None:
    await on_database(script)(house, "tokens=30 rate=100")
    question = await ask(house)
    await until_said(question.log.chat_id, 3)
    feed = await hub.follow(question.log.chat_id, None)
    assert [one["state"] for one in feed.welcome["messages"]] == ["running"]
    entries = await to_the_end(feed)
    assert orjson.loads(entries[0].text)["seq"] is None
    assert text_of(entries) == answer("tokens=30 rate=100")


async def test_a_reader_who_had_only_the_start_gets_all_deltas(house: House) -> None:
    await on_database(script)(house, "tokens=30 rate=100")
    question = await ask(house)
    await until_said(question.log.chat_id, 2)
    assert text_of(await complete(question.log.chat_id, Position(2))) == answer("tokens=30 rate=100")


async def test_several_readers_are_told_the_same_in_the_same_order(house: House, other: Elsewhere) -> None:
    await on_database(script)(house, "tokens=30 rate=100")
    question = await ask(house)
    here = await hub.follow(question.log.chat_id, Position(0))
    there = await other.do(complete(question.log.chat_id, Position(0)))
    mine = await to_the_end(here)
    kinds = [[(one.type, one.seq) for one in told if one.seq] for told in (mine, there)]
    assert kinds[0] == kinds[1]
    assert text_of(mine) == text_of(there)


async def test_a_missed_ring_is_made_up_for(
    house: House, other: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bell is a hint: here it never rings."""
    question = await ask(house)
    await to_the_end(await question.follow())
    feed = await hub.follow(question.log.chat_id, Position(3))
    monkeypatch.setattr("apps.chats.bell._send", lambda rung: None)
    await other.do(ask(house, chat=question.log.chat_id, message="m2"))
    hub.here()._ear.is_connected = True
    hub.here()._ear._tell_missed()  # as on a reconnection
    entries = await to_the_end(feed)
    assert [entry.seq for entry in entries if entry.seq] == [4, 5, 6]


async def test_what_nobody_rang_is_told_soon_all_the_same(
    house: House, other: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a process is killed between COMMIT and ring: everybody else goes on hearing the bell, which says nothing."""
    monkeypatch.setattr(hub, "LOOK", 0.2)
    question = await ask(house)
    await to_the_end(await question.follow())
    feed = await hub.follow(question.log.chat_id, Position(3))
    await connected()
    monkeypatch.setattr("apps.chats.bell._send", lambda rung: None)
    await other.do(ask(house, chat=question.log.chat_id, message="m2"))
    async with asyncio.timeout(20):
        entries = await to_the_end(feed)
    assert [entry.seq for entry in entries if entry.seq] == [4, 5, 6]


async def test_a_chat_that_is_deleted_while_it_is_read_is_noticed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "LOOK", 0.2)
    question = await ask(house)
    await to_the_end(await question.follow())
    reader = await hub.follow(question.log.chat_id, None)
    await on_database(Chat.objects.filter(id=question.log.chat_id).delete)()
    with pytest.raises(chatlog.TooSlow):
        await asyncio.wait_for(to_the_end(reader), 20)


async def test_what_a_killed_process_still_committed_is_not_passed_over(
    house: House, other: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last COMMIT may take effect after the chat was read here, and before what it left is taken up."""
    await on_database(script)(house, "tokens=50 stall=20")
    question = await other.do(ask(house))
    chat, exchange = question.log.chat_id, question.asked.exchange
    await other.do(ask(house, chat=chat, message="m2"))
    other.close()
    await on_database(script)(house, "tokens=5")
    await on_database(expire)(question)
    rescue = hub.Hub.rescue

    async def late(chat_id: UUID) -> None:
        ended = conversations.Outcome("completed", response="w0 ", cuts=(3,))
        await on_database(conversations.finish)(exchange, ended, holder=exchange.holder)
        await rescue(chat_id)

    monkeypatch.setattr(hub.Hub, "rescue", staticmethod(late))
    feed = await hub.follow(chat, Position(3))
    seqs: list[int] = []
    async for entry in feed:
        seqs += [entry.seq] if entry.seq else []
        if entry.type in ENDS and entry.exchange == 2:
            break
    feed.close()
    assert seqs == [4, 5, 6, 7]


class Shifted(datetime):
    """A clock that somebody sets."""

    by: ClassVar[timedelta] = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + cls.by


async def test_a_clock_that_jumps_changes_no_order(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.datetime", Shifted)
    await on_database(script)(house, "tokens=3")
    chat = conversations.chat_id_for(Opening(house.agent.id, "v_test"))
    for number, hours in enumerate((0, -5, 48, -72), start=1):
        monkeypatch.setattr(Shifted, "by", timedelta(hours=hours))
        await to_the_end(
            await (await ask(house, f"Question {number}", chat=chat, message=f"m{number}")).follow()
        )
    dates = await on_database(
        lambda: list(
            ContentChat.objects.filter(chat=chat).order_by("number").values_list("created_at", flat=True)
        )
    )()
    assert dates != sorted(dates), "the clock has not jumped"
    feed = await hub.follow(chat, None)
    assert [one["request"] for one in feed.welcome["messages"]] == [f"Question {n}" for n in (1, 2, 3, 4)]
    feed.close()
    feed = await hub.follow(chat, Position(0))
    seqs = [entry.seq for entry in feed.take() if entry.seq]
    feed.close()
    assert seqs == list(range(1, 13))


async def test_a_chat_that_does_not_exist_is_not_followed(house: House) -> None:
    with pytest.raises(NoSuchChat):
        await hub.follow(uuid.uuid4(), None)


async def test_a_reader_who_falls_far_behind_is_told_so(house: House) -> None:
    await on_database(script)(house, "tokens=10")
    question = await ask(house)
    chat = question.log.chat_id
    slow = await hub.follow(chat, Position(0))
    await replies.settle()
    slow.log._base, slow.log._entries = slow.log.end, []  # as when much was said since
    with pytest.raises(chatlog.TooSlow):
        slow.take()
    slow.close()


async def test_who_reads_a_chat_that_is_deleted_has_to_come_again(house: House) -> None:
    question = await ask(house)
    await to_the_end(await question.follow())
    await replies.settle()
    reader = await hub.follow(question.log.chat_id, None)
    await on_database(Chat.objects.filter(id=question.log.chat_id).delete)()
    looking = hub.here().catch_up_soon(reader.log)
    await asyncio.wait([looking])
    assert looking.exception() is None, "it would be logged as an exception that nobody retrieved"
    with pytest.raises(chatlog.TooSlow):
        reader.take()
    assert reader.log.name not in hub.here().logs
    with pytest.raises(NoSuchChat):
        await hub.follow(question.log.chat_id, None)
    reader.close()


async def test_the_database_is_asked_once_for_what_takes_no_seq(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for what a page says of itself, of which nothing is told, in a chat in which nothing else was said yet."""
    loop, has_read = asyncio.get_running_loop(), asyncio.Event()
    reads: list[int] = []

    def counted(tenant_id: UUID, chat_id: UUID, seq: int) -> Recalled:
        reads.append(seq)
        loop.call_soon_threadsafe(has_read.set)
        return missed(tenant_id, chat_id, seq)

    monkeypatch.setattr(hub, "_missed", counted)
    chat, opening = opened(house)
    await on_database(_begun)(chat, opening)
    feed = await hub.follow(chat, Position(0))
    await on_database(impressions.describe)(chat, {"context": {"page": "pricing"}})
    await asyncio.wait_for(has_read.wait(), 20)
    await asyncio.wait_for(hub.here().catch_up_soon(feed.log), 20)
    feed.close()
    assert len(reads) <= 2


def _begun(chat: UUID, opening: Opening) -> None:
    with ledger.opened(chat, opening=opening):
        pass


async def test_what_people_say_is_let_go_of_where_no_agent_speaks(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chatlog, "LINGERS", -1.0)
    chat, opening = opened(house)
    await handoff.request(chat, opening=opening)
    feed = await hub.follow(chat, Position(1))
    await ask(house, chat=chat)
    assert [entry.type for entry in feed.take()] == ["message"]
    feed.log.forget_what_ended()
    assert feed.log.since(feed.log.end) == []
    with pytest.raises(chatlog.TooSlow):
        feed.log.since(feed.log.end - 1)
    feed.close()


async def test_logs_are_forgotten_when_nobody_reads(house: House) -> None:
    question = await ask(house)
    await to_the_end(await question.follow())
    await replies.settle()
    assert question.log.name not in hub.here().logs


async def test_an_ended_reply_is_let_go_of_and_told_from_the_database(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await on_database(script)(house, "tokens=10")
    monkeypatch.setattr(chatlog, "LINGERS", -1.0)
    question = await ask(house)
    feed = await question.follow()
    async for entry in feed:
        if entry.type in ENDS:
            break
    feed.log.forget_what_ended()
    assert feed.log.since(feed.log.end) == []
    assert text_of(await complete(question.log.chat_id, Position(2, 1, 1, 0)), "w0 ") == answer("tokens=10")
    again = await ask(house, chat=question.log.chat_id, message="m2")
    assert [entry.type for entry in await to_the_end(feed)][:2] == ["message", "reply.started"]
    assert again.asked.exchange.number == 2
