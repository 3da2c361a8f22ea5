"""The act of answering: in order, stopped, left, cut off by a deadline, and taken up where a process died."""

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from channels.db import database_sync_to_async
from django.conf import LazySettings

from apps.chats import citations, coalescer, conversations, hub, replies
from apps.chats.conversations import Asked, Opening
from apps.chats.events import ENDS, Entry, Position
from apps.chats.models import Chat, ContentChat, Event, Process
from tests.chats.conftest import script
from tests.chats.elsewhere import Elsewhere
from tests.scripted import answer
from tests.world import House

on_database = database_sync_to_async


def opened(house: House) -> tuple[UUID, Opening]:
    opening = Opening(house.agent.id, "v_test")
    return conversations.chat_id_for(opening), opening


async def ask(
    house: House, text: str = "Hello?", *, chat: UUID | None = None, message: str = "m1"
) -> replies.Question:
    opening = Opening(house.agent.id, "v_test")
    chat = chat or conversations.chat_id_for(opening)
    return await replies.ask(chat, text, client_message_id=message, opening=opening)


async def told(question: replies.Question) -> list[Entry]:
    return [entry async for entry in question.answer()]


def said(entries: list[Entry]) -> str:
    return "".join(entry.said for entry in entries)


def end(entries: list[Entry]) -> dict[str, Any]:
    frame: dict[str, Any] = orjson.loads(entries[-1].text)
    return frame


@on_database
def row(question: replies.Question) -> ContentChat:
    return ContentChat.objects.get(id=question.asked.exchange.id)


async def until_said(chat_id: UUID, count: int) -> None:
    """Until that many deltas have been heard in the chat's log here."""
    feed = await hub.follow(chat_id, Position(0))
    try:
        async for entry in feed:
            if entry.index is not None and entry.index + 1 >= count:
                return
    finally:
        feed.close()


async def test_the_text_is_its_deltas_and_has_the_told_hash(house: House) -> None:
    await on_database(script)(house, "tokens=500 text=unicode rate=4000")
    question = await ask(house)
    entries = await told(question)
    text = answer("tokens=500 text=unicode rate=4000")
    assert said(entries) == text == (await row(question)).response
    assert [entry.index for entry in entries if entry.said] == list(
        range(sum(bool(one.said) for one in entries))
    )
    assert end(entries)["sha256"] == hashlib.sha256(text.encode()).hexdigest()


async def test_a_question_is_committed_before_it_is_acknowledged(house: House) -> None:
    seen: list[bool] = []

    def is_there(asked: Asked) -> bool:
        with house.scope():
            return ContentChat.objects.filter(id=asked.exchange.id).exists()

    def acknowledged(asked: Asked) -> None:
        with ThreadPoolExecutor(1) as somebody_else:
            seen.append(somebody_else.submit(is_there, asked).result())

    chat, opening = opened(house)
    await replies.ask(chat, "Well?", client_message_id="m1", opening=opening, recorded=acknowledged)
    await replies.settle()
    assert seen == [True]


async def test_messages_are_answered_in_their_order_by_one_reply_at_a_time(house: House) -> None:
    await on_database(script)(house, "tokens=20 rate=200")
    first = await ask(house)
    chat = first.log.chat_id
    rest = [await ask(house, chat=chat, message=f"m{number}") for number in (2, 3)]
    assert [one.asked.exchange.state for one in rest] == ["queued", "queued"]
    for question in (first, *rest):
        assert said(await told(question)) == answer("tokens=20 rate=200")
    kinds = await on_database(
        lambda: [
            (event.type, event.body["exchange"])
            for event in Event.objects.filter(chat_id=chat).order_by("seq")
        ]
    )()
    assert kinds == [
        ("message", 1), ("reply.started", 1), ("message", 2), ("message", 3), ("reply.completed", 1),
        ("reply.started", 2), ("reply.completed", 2), ("reply.started", 3), ("reply.completed", 3),
    ]  # fmt: skip


async def test_an_agent_that_interrupts_answers_the_newer_message(house: House) -> None:
    await on_database(script)(house, "tokens=10 first=30", second_message="interrupt")
    first = await ask(house)
    await on_database(script)(house, "tokens=10", second_message="interrupt")
    second = await ask(house, chat=first.log.chat_id, message="m2")
    assert end(await told(first))["reason"] == "interrupted"
    assert said(await told(second)) == answer("tokens=10")


@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_of_messages_that_come_together_only_the_last_is_answered_where_newer_ones_interrupt(
    house: House, other: Elsewhere, where: str
) -> None:
    await on_database(script)(house, "tokens=10 first=30", second_message="interrupt")
    first = await ask(house) if where == "here" else await other.do(ask(house))
    await on_database(script)(house, "tokens=200 rate=80", second_message="interrupt")
    more = [ask(house, chat=first.log.chat_id, message=f"m{number}") for number in range(2, 7)]
    asked = sorted(await asyncio.gather(*more), key=lambda one: one.asked.exchange.number)
    assert said(await told(asked[-1])) == answer("tokens=200 rate=80")
    ended = [await row(one) for one in (first, *asked)]
    assert [(one.state, one.reason) for one in ended] == [
        *[("stopped", "interrupted")] * 5,
        ("completed", ""),
    ]


@pytest.mark.parametrize("model", ["tokens=50 first=30", "tokens=50 stall=20"])
async def test_a_stop_keeps_what_was_said(house: House, model: str) -> None:
    await on_database(script)(house, model)
    question = await ask(house)
    if "stall" in model:
        await until_said(question.log.chat_id, 1)
    assert await replies.stop(question.log.chat_id)
    entries = await told(question)
    kept = await row(question)
    assert (end(entries)["type"], end(entries)["reason"]) == ("reply.cancelled", "stopped")
    assert (kept.state, kept.reason, kept.response) == ("stopped", "stopped", said(entries))


async def test_a_stop_works_from_another_process(house: House, other: Elsewhere) -> None:
    await on_database(script)(house, "tokens=50 stall=20")
    question = await other.do(ask(house))
    await until_said(question.log.chat_id, 1)
    assert await replies.stop(question.log.chat_id)
    feed = await hub.follow(question.log.chat_id, Position(0))
    async for entry in feed:
        if entry.type in ENDS:
            break
    feed.close()
    kept = await row(question)
    assert (entry.type, kept.state) == ("reply.cancelled", "stopped")
    assert kept.response.startswith("w0 ")
    await other.do(replies.settle())


async def test_nothing_is_stopped_where_nothing_runs(house: House) -> None:
    question = await ask(house)
    await told(question)
    assert not await replies.stop(question.log.chat_id)
    assert not await replies.stop(UUID(int=0))


@pytest.mark.parametrize(
    ("model", "limit"),
    [("tokens=5 first=30", "FIRST_TOKEN_SECONDS"), ("tokens=5 stall=2", "BETWEEN_TOKENS_SECONDS"),
     ("tokens=9999 rate=50", "REPLY_SECONDS")],
)  # fmt: skip
async def test_a_provider_that_takes_too_long_fails(
    house: House, settings: LazySettings, model: str, limit: str
) -> None:
    setattr(settings, limit, 0.2)
    await on_database(script)(house, model)
    question = await ask(house)
    entries = await told(question)
    assert (end(entries)["type"], end(entries)["code"]) == ("reply.failed", "provider_timeout")
    assert end(entries)["retryable"]
    assert (await row(question)).response == said(entries)


async def test_a_provider_that_fails_midway_keeps_what_was_said(house: House) -> None:
    await on_database(script)(house, "tokens=50 fail=20")
    question = await ask(house)
    entries = await told(question)
    assert end(entries)["code"] == "provider_unreachable"
    assert (await row(question)).response == said(entries) == "".join(f"w{n} " for n in range(20))


async def test_a_reply_without_readers_ends_after_its_grace(house: House, settings: LazySettings) -> None:
    settings.REPLY_GRACE_SECONDS = 0.2
    await on_database(script)(house, "tokens=50 first=30")
    question = await ask(house)
    feed = await question.follow()
    feed.close()
    await replies.settle()
    assert ((await row(question)).state, (await row(question)).reason) == ("stopped", "visitor_left")


async def test_a_reply_goes_on_where_nobody_can_say_who_reads_it(
    house: House, settings: LazySettings
) -> None:
    settings.REPLY_GRACE_SECONDS, settings.REDIS_URL = 0.2, "redis://127.0.0.1:1/0"
    await on_database(script)(house, "tokens=20 rate=20")
    question = await ask(house)
    (await question.follow()).close()
    await replies.settle()
    assert (await row(question)).state == "completed"


async def test_a_reply_is_not_ended_while_it_is_read_elsewhere(
    house: House, other: Elsewhere, settings: LazySettings
) -> None:
    settings.REPLY_GRACE_SECONDS = 0.3
    await on_database(script)(house, "tokens=30 rate=20")
    question = await ask(house)
    chat = question.log.chat_id

    async def read() -> list[Entry]:
        feed, entries = await hub.follow(chat, Position(0)), []
        try:
            async for entry in feed:
                entries.append(entry)
                if entry.type in ENDS:
                    return entries
        finally:
            feed.close()
        return entries

    entries = await other.do(read())
    assert said(entries) == answer("tokens=30 rate=20")
    assert entries[-1].type == "reply.completed"


async def test_a_reply_of_a_dead_process_is_given_anew_and_once(
    house: House, other: Elsewhere, settings: LazySettings
) -> None:
    await on_database(script)(house, "tokens=50 stall=20")
    question = await other.do(ask(house))
    chat = question.log.chat_id
    feed = await hub.follow(chat, Position(0))
    entries: list[Entry] = []
    async for entry in feed:
        entries.append(entry)
        if entry.said:
            break
    other.close()
    await on_database(script)(house, "tokens=50")
    await on_database(expire)(question)
    async for entry in feed:
        entries.append(entry)
        if entry.type in ENDS:
            break
    feed.close()
    last = max(entry.epoch for entry in entries)
    final = [entry for entry in entries if entry.epoch == last]
    assert last == 2
    assert said(final) == answer("tokens=50") == (await row(question)).response
    assert [entry.type for entry in entries].count("reply.completed") == 1


def expire(question: replies.Question) -> None:
    """The lease of a process that is gone, some time later."""
    holder = ContentChat.objects.get(id=question.asked.exchange.id).holder
    assert holder is not None
    Process.objects.filter(id=holder).update(leased_until="2000-01-01T00:00:00Z")


async def test_a_reply_that_keeps_killing_its_process_fails_in_the_end(
    house: House, other: Elsewhere
) -> None:
    await on_database(script)(house, "tokens=50 stall=20")
    question = await other.do(ask(house))
    other.close()
    update = on_database(lambda: ContentChat.objects.update(attempts=conversations.MOST_ATTEMPTS))
    await update()
    await on_database(expire)(question)
    await replies.rescue(question.log.chat_id)
    kept = await row(question)
    assert (kept.state, kept.reason) == ("failed", "interrupted")


async def test_a_process_that_loses_its_lease_saves_nothing_more(house: House, other: Elsewhere) -> None:
    await on_database(script)(house, "tokens=40 rate=40")
    question = await other.do(ask(house))
    await on_database(expire)(question)
    await replies.rescue(question.log.chat_id)
    await replies.settle()
    await other.do(replies.settle())
    kept = await row(question)
    assert (kept.state, kept.epoch, kept.response) == ("completed", 2, answer("tokens=40 rate=40"))
    ends = on_database(
        lambda: Event.objects.filter(chat_id=question.log.chat_id, type="reply.completed").count()
    )
    assert await ends() == 1


async def test_a_draining_process_leaves_its_replies_to_others(house: House, other: Elsewhere) -> None:
    await on_database(script)(house, "tokens=50 stall=20")
    question = await other.do(ask(house))
    feed = await hub.follow(question.log.chat_id, Position(0))
    await on_database(script)(house, "tokens=50")
    await other.do(replies.drain(0.1))
    entries: list[Entry] = []
    async for entry in feed:
        entries.append(entry)
        if entry.type in ENDS:
            break
    feed.close()
    assert entries[-1].type == "reply.completed"
    assert said([entry for entry in entries if entry.epoch == 2]) == answer("tokens=50")


async def test_a_drain_lets_replies_finish(house: House, other: Elsewhere) -> None:
    await on_database(script)(house, "tokens=20 rate=40")
    question = await other.do(ask(house))
    await other.do(replies.drain(10))
    kept = await row(question)
    assert (kept.state, kept.epoch, kept.response) == ("completed", 1, answer("tokens=20 rate=40"))


async def test_a_message_under_a_taken_id_is_refused(house: House) -> None:
    question = await ask(house, "One")
    await told(question)
    with pytest.raises(conversations.BadMessage) as refused:
        await ask(house, "Another", chat=question.log.chat_id)
    assert refused.value.code == "message_id_taken"


async def test_twenty_at_once_are_numbered_without_gaps(house: House) -> None:
    await on_database(script)(house, "tokens=3")
    first = await ask(house)
    chat = first.log.chat_id
    await asyncio.gather(*(ask(house, chat=chat, message=f"n{number}") for number in range(20)))
    await replies.settle()
    numbers, seqs, answering = await on_database(
        lambda: (
            sorted(ContentChat.objects.filter(chat_id=chat).values_list("number", flat=True)),
            sorted(Event.objects.filter(chat_id=chat).values_list("seq", flat=True)),
            Chat.objects.get(id=chat).answering,
        )
    )()
    assert numbers == list(range(1, 22))
    assert seqs == list(range(1, len(seqs) + 1))
    assert answering == 0


@pytest.mark.parametrize(
    ("piece", "kept"), [("plain", "plain"), ("a\x00b", "ab"), ("é\x00\ud800", "é?"), ("👩‍👩‍👧", "👩‍👩‍👧")]
)
def test_what_no_database_can_hold_is_left_out(piece: str, kept: str) -> None:
    assert coalescer.storable(piece) == kept


async def test_an_answer_that_cannot_be_saved_fails_and_is_not_left_running(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(citations.Sieve, "pass_on", lambda self, text: text + "\x00")
    question = await ask(house)
    await replies.settle()
    kept = await row(question)
    assert (kept.state, kept.reason) == ("failed", "internal")


async def test_an_answer_whose_cost_cannot_be_reckoned_is_kept(house: House, settings: LazySettings) -> None:
    settings.PRICES = {"*": (Decimal("1e40"), Decimal("1e40"))}
    question = await ask(house)
    async with asyncio.timeout(10):
        entries = await told(question)
    kept = await row(question)
    assert (kept.state, kept.response) == ("completed", said(entries))
    assert kept.response


async def test_a_message_sent_again_much_later_is_retold_from_the_rows(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.chats.recall.FARTHEST", 1)
    await on_database(script)(house, "tokens=9")
    question = await ask(house)
    await told(question)
    await told(await ask(house, chat=question.log.chat_id, message="m2"))
    again = await ask(house, chat=question.log.chat_id)
    entries = await told(again)
    assert [entry.type for entry in entries][:2] == ["message", "reply.started"]
    assert (said(entries), entries[-1].type) == (answer("tokens=9"), "reply.completed")


@pytest.mark.parametrize("steps", range(1, 40, 6))
async def test_an_asker_who_is_cancelled_leaves_no_reply_unanswered(house: House, steps: int) -> None:
    await on_database(script)(house, "tokens=5")
    opening = Opening(house.agent.id, "v_test")
    chat = conversations.chat_id_for(opening)
    asking = asyncio.create_task(replies.ask(chat, "Hello?", client_message_id="m1", opening=opening))
    for _ in range(steps):
        await asyncio.sleep(0)
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    again = await replies.ask(chat, "Hello?", client_message_id="m1", opening=opening)
    await replies.settle()
    assert (await row(again)).response == answer("tokens=5")


async def test_a_reply_that_its_own_process_does_not_know_is_taken_up(house: House) -> None:
    """As when the answer of a COMMIT was lost: it is on record as running here, and does not."""
    await on_database(script)(house, "tokens=5")
    holder = await replies.here().lease.hold()
    opening = Opening(house.agent.id, "v_test")
    chat = conversations.chat_id_for(opening)
    await on_database(conversations.ask)(
        chat, "Hello?", client_message_id="m1", holder=holder, opening=opening
    )
    again = await replies.ask(chat, "Hello?", client_message_id="m1", opening=opening)
    entries = await told(again)
    assert (entries[-1].type, said(entries[-20:])) == ("reply.completed", answer("tokens=5"))


async def test_an_interruption_leaves_the_newer_reply_alone(house: House) -> None:
    await on_database(script)(house, "tokens=50 stall=20")
    question = await ask(house)
    await replies.make_way(question.log.chat_id, 1)
    assert (await row(question)).state == "running"
    await replies.make_way(question.log.chat_id, 2)
    assert (await row(question)).reason == "interrupted"


async def test_what_was_held_twice_is_told_once_and_whole(house: House) -> None:
    await on_database(script)(house, "tokens=40 rate=100")
    question = await ask(house)
    running = replies.running_here(question.log.chat_id)
    assert running is not None
    running.hold()
    await asyncio.sleep(0.1)
    running.hold()
    running.release()
    await asyncio.sleep(0.1)
    running.release()
    entries = await told(question)
    kept = await row(question)
    assert said(entries) == kept.response == answer("tokens=40 rate=100")
    assert sum(kept.cuts) == len(kept.response)
