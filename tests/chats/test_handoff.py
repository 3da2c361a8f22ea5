"""A person steps in, answers, and hands back; nothing late is said or saved."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.utils import timezone

from apps.chats import conversations, handoff, hub, replies
from apps.chats.events import Entry, Position
from apps.chats.models import Chat, ContentChat, Explanation
from apps.tenants import valkey
from apps.tenants.models import Membership
from tests.chats.conftest import script
from tests.chats.elsewhere import Elsewhere
from tests.chats.test_hub import text_of, to_the_end
from tests.chats.test_replies import ask, until_said
from tests.scripted import answer
from tests.world import House

on_database = database_sync_to_async


def frames(entries: list[Entry], *, since: int = 0) -> list[dict[str, Any]]:
    return [orjson.loads(entry.text) for entry in entries if entry.seq is not None and entry.seq > since]


async def heard(chat: UUID, seq: int) -> list[dict[str, Any]]:
    """The durable frames after a seq, as they stand now."""
    feed = await hub.follow(chat, Position(seq))
    entries = feed.take()
    feed.close()
    return frames(entries)


@on_database
def chat_of(chat: UUID) -> Chat:
    return Chat.objects.select_related("assignee").get(id=chat)


@on_database
def exchanges(chat: UUID) -> list[ContentChat]:
    return list(ContentChat.objects.filter(chat_id=chat).order_by("number"))


@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_taking_over_ends_the_reply_and_keeps_its_text(
    house: House, other: Elsewhere, where: str
) -> None:
    await on_database(script)(house, "tokens=2000 rate=100")
    question = await ask(house)
    chat = question.log.chat_id
    feed = await question.follow()
    await until_said(chat, 12)  # what another process keeps is what had been written by then
    taking = handoff.take_over(chat, house.user)
    await (other.do(taking) if where == "elsewhere" else taking)
    entries: list[Entry] = []
    async for entry in feed:
        entries.append(entry)
        if entry.type == "handoff":
            break
    feed.close()
    await replies.settle()
    [kept] = await exchanges(chat)
    cancelled, over = frames(entries)[-2:]
    assert (cancelled["type"], cancelled["reason"]) == ("reply.cancelled", "takeover")
    assert (over["type"], over["state"], over["by"]) == ("handoff", "staff", "staff")
    assert over["epoch"] > cancelled["epoch"]
    assert (kept.state, kept.reason) == ("stopped", "takeover")
    assert kept.response.startswith("w0 w1 ")
    assert await explained(kept) == [("scripted", "tokens=2000 rate=100")]
    assert text_of(entries).startswith(kept.response)
    assert cancelled["sha256"] == hashlib.sha256(kept.response.encode()).hexdigest()
    if where == "here":
        assert text_of(entries) == kept.response
    assert feed.take() == []


@on_database
def explained(exchange: ContentChat) -> list[tuple[str, str]]:
    """Who was asked, by what is kept of why it said that."""
    return list(Explanation.objects.filter(exchange=exchange).values_list("provider", "model"))


async def test_nothing_of_a_reply_is_saved_after_a_takeover(house: House, other: Elsewhere) -> None:
    words = "tokens=200 rate=50"  # longer than a take-over takes on a busy machine
    await on_database(script)(house, words)
    question = await ask(house)
    await other.do(handoff.take_over(question.log.chat_id, house.user))
    await replies.settle()
    [kept] = await exchanges(question.log.chat_id)
    assert kept.state == "stopped"
    assert kept.response != answer(words)


async def test_staff_answer_once_and_only_what_is_theirs(house: House) -> None:
    question = await ask(house)
    await to_the_end(await question.follow())
    chat = question.log.chat_id
    with pytest.raises(handoff.NotYours):
        await handoff.answer(chat, house.user, "Hello!", client_message_id="s1")
    await handoff.take_over(chat, house.user)
    number = await handoff.answer(chat, house.user, "Hello!", client_message_id="s1")
    assert await handoff.answer(chat, house.user, "Hello!", client_message_id="s1") == number
    _, staffs = await exchanges(chat)
    assert (staffs.request, staffs.response, staffs.staff_id) == ("", "Hello!", house.user.pk)
    [message] = [frame for frame in await heard(chat, 3) if frame["type"] == "message"]
    assert (message["from"], message["text"], message["name"]) == ("staff", "Hello!", "Support")
    assert house.user.username not in str(message)


async def test_what_visitors_write_to_staff_waits_for_no_agent(house: House) -> None:
    question = await ask(house)
    await to_the_end(await question.follow())
    chat = question.log.chat_id
    await handoff.take_over(chat, house.user)
    second = await ask(house, "Are you there?", chat=chat, message="m2")
    assert second.asked.exchange.state == "waiting"
    assert [entry.type async for entry in second.answer()] == ["message"]


async def test_handing_back_lets_the_agent_answer_what_nobody_did(house: House) -> None:
    question = await ask(house)
    await to_the_end(await question.follow())
    chat = question.log.chat_id
    await handoff.take_over(chat, house.user)
    await ask(house, "Are you there?", chat=chat, message="m2")
    await on_database(script)(house, "tokens=7")
    await handoff.hand_back(chat, house.user)
    await replies.settle()
    assert (await chat_of(chat)).handled_by == "agent"
    assert (await exchanges(chat))[-1].response == answer("tokens=7")


async def test_a_visitor_may_ask_for_a_person_and_waits(house: House) -> None:
    await on_database(script)(house, "tokens=50 stall=20")
    question = await ask(house)
    chat = question.log.chat_id
    queued = await ask(house, "And this?", chat=chat, message="m2")
    await handoff.request(chat)
    await handoff.request(chat)
    waiting = await chat_of(chat)
    assert (waiting.handled_by, waiting.waiting_since is not None) == ("waiting", True)
    assert [one.state for one in await exchanges(chat)] == ["stopped", "waiting"]
    assert [frame["type"] for frame in await heard(chat, 3)] == ["reply.cancelled", "handoff"]
    assert [entry.type async for entry in queued.answer()] == ["message"]


async def test_an_agent_may_decide_that_a_person_is_needed(house: House) -> None:
    await on_database(script)(house, "tokens=5 handoff=1")
    question = await ask(house)
    await to_the_end(await question.follow())
    await replies.settle()
    told = await heard(question.log.chat_id, 2)
    assert [frame["type"] for frame in told] == ["reply.completed", "handoff"]
    assert (told[1]["state"], told[1]["by"]) == ("waiting", "agent")


async def test_a_colleague_may_take_a_chat_from_another(house: House) -> None:
    question = await ask(house)
    await to_the_end(await question.follow())
    chat = question.log.chat_id
    await handoff.take_over(chat, house.user)

    def hire() -> Any:
        found = get_user_model().objects.create_user(f"{uuid.uuid4()}", password="x", first_name="Grace")
        Membership.objects.create(user=found, role=Membership.Role.STAFF)
        return found

    grace = await on_database(hire)()
    await handoff.take_over(chat, grace)
    assert (await heard(chat, 3))[-1] | {"ts": 0} == {
        "v": 1, "type": "assigned", "chat": str(chat), "seq": 5, "ts": 0, "name": "Grace", "avatar": None,
    }  # fmt: skip
    with pytest.raises(handoff.NotYours):
        await handoff.answer(chat, house.user, "Mine?", client_message_id="s1")


async def test_a_resolved_chat_is_opened_by_its_next_message(house: House) -> None:
    question = await ask(house)
    await to_the_end(await question.follow())
    chat = question.log.chat_id
    await handoff.take_over(chat, house.user)
    await handoff.resolve(chat, house.user)
    assert (await chat_of(chat)).resolved_at is not None
    second = await ask(house, "One more thing", chat=chat, message="m2")
    await to_the_end(await second.follow())
    again = await chat_of(chat)
    assert (again.resolved_at, again.handled_by) == (None, "agent")


async def test_an_idle_chat_ends_and_a_busy_one_does_not(house: House) -> None:
    await on_database(script)(house, "tokens=5")
    idle, busy = await ask(house), await ask(house)
    await to_the_end(await idle.follow())
    await to_the_end(await busy.follow())

    def end() -> int:
        Chat.objects.filter(id=idle.log.chat_id).update(last_at=timezone.now() - timedelta(minutes=31))
        return handoff.end_idle(idle=timedelta(minutes=30))

    assert await on_database(end)() == 1
    assert (await chat_of(idle.log.chat_id)).resolved_at is not None
    assert (await chat_of(busy.log.chat_id)).resolved_at is None
    assert (await heard(idle.log.chat_id, 3))[0]["by"] == "idle"


async def test_a_rival_cannot_hold_up_a_reply(house: House, houses: tuple[House, House]) -> None:
    await on_database(script)(house, "tokens=50 stall=20")
    question = await ask(house)
    _, globex = houses
    with globex.scope():
        assert not await replies.stop(question.log.chat_id)
        with pytest.raises(conversations.NoSuchChat):
            await handoff.take_over(question.log.chat_id, globex.user)
    assert replies.running_here(question.log.chat_id)
    assert await replies.stop(question.log.chat_id)
    await replies.settle()


async def test_another_tenants_chat_is_none(house: House, houses: tuple[House, House]) -> None:
    question = await ask(house)
    await to_the_end(await question.follow())
    _, globex = houses
    with globex.scope():
        for act in (handoff.request, lambda chat: handoff.take_over(chat, globex.user)):
            with pytest.raises(conversations.NoSuchChat):
                await act(question.log.chat_id)


async def test_a_takeover_elsewhere_wipes_nothing_when_the_stream_is_lost(
    house: House, other: Elsewhere
) -> None:
    await on_database(script)(house, "tokens=50 stall=20")
    question = await ask(house)
    chat = question.log.chat_id
    feed = await question.follow()
    entries: list[Entry] = []
    async for entry in feed:
        entries.append(entry)
        if text_of(entries).endswith("w19 "):
            break
    await valkey.client().flushall()
    await other.do(handoff.take_over(chat, house.user))
    async for entry in feed:
        entries.append(entry)
        if entry.type == "handoff":
            break
    feed.close()
    await replies.settle()
    assert frames(entries)[-2]["sha256"] is None
    assert text_of(entries) == "".join(f"w{number} " for number in range(20))
    [kept] = await exchanges(chat)
    assert (kept.state, kept.response) == ("stopped", text_of(entries))


async def test_a_request_that_waits_for_its_turn_ends_when_the_chat_is_resolved(house: House) -> None:
    await on_database(script)(house, "tokens=50 stall=20")
    question = await ask(house)
    queued = await ask(house, "And this?", chat=question.log.chat_id, message="m2")
    answered = asyncio.create_task(anext(_last(queued.answer())))
    await asyncio.sleep(0)
    await handoff.resolve(question.log.chat_id, house.user)
    async with asyncio.timeout(10):
        assert (await answered).type == "message"


async def _last(told: AsyncGenerator[Entry, None]) -> AsyncGenerator[Entry, None]:
    entries = [entry async for entry in told]
    yield entries[-1]
