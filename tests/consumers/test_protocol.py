"""docs/protocol.md is the contract: its examples are read here and held against what the server says."""

import asyncio
import json
import re
from collections import defaultdict
from typing import Any
from uuid import UUID, uuid4

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model

from apps.chats import bell, events, frames, handoff
from apps.tenants.models import Membership
from consumers.chat import ChatConsumer
from consumers.dashboard import DashboardConsumer
from tests.contract import PAGE, examples
from tests.server import Server, Visitor
from tests.services import ROOT
from tests.world import House


@pytest.mark.parametrize("frame", examples("client"), ids=lambda frame: frame["type"])
def test_every_client_frame_of_the_page_is_understood(frame: dict[str, Any]) -> None:
    assert frames.parse(json.dumps(frame)) == frame
    assert hasattr(ChatConsumer, f"on_{frame['type'].replace('.', '_')}")


def test_the_server_sends_the_fields_the_page_names(server: Server, houses: tuple[House, House]) -> None:
    acme, _ = houses
    acme.knows("The Quito depot is closed on the second Friday of March.")
    with server.visitor(acme) as visitor:
        heard = [visitor.welcome, *visitor.ask("When is the Quito depot closed?", message_id="c1")]
        heard += [visitor.ask(" ")[-1]]
        visitor.say("ping")
        heard += until(visitor, "pong")
        visitor.say("feedback", exchange=1, value=1)
        heard += until(visitor, "feedback")
        visitor.say("csat", value=4)
        heard += until(visitor, "csat")
        visitor.say("email", address="grace@example.org")
        heard += until(visitor, "email")
        heard += a_person_steps_in(visitor, acme, UUID(heard[1]["chat"]))
    heard += cut_short(server, acme)
    told = defaultdict(list)
    for example in examples("server"):
        told[example["type"]].append(set(example))
    for frame in heard:
        assert set(frame) in told[frame["type"]], frame
    heard_of = {frame["type"] for frame in heard} | {"ping"}  # which comes when 20 seconds have passed
    assert set(told) - heard_of == {"snapshot"}


def until(visitor: Visitor, kind: str) -> list[dict[str, Any]]:
    heard = [visitor.next()]
    while heard[-1]["type"] != kind:
        heard.append(visitor.next())
    return heard


def a_person_steps_in(visitor: Visitor, house: House, chat: UUID) -> list[dict[str, Any]]:
    visitor.say("handoff.request")
    heard = until(visitor, "queue")
    asyncio.run(answer(house, chat))
    heard += until(visitor, "message")
    with house.scope():
        bell.typing(chat, "staff", "Ada")
    heard += until(visitor, "typing")
    asyncio.run(resolve(house, chat))
    return heard + until(visitor, "resolved")


async def answer(house: House, chat: UUID) -> None:
    with house.scope():
        await handoff.take_over(chat, house.user)
        await handoff.answer(chat, house.user, "Hello.", client_message_id="s1")


async def resolve(house: House, chat: UUID) -> None:
    """By a colleague who takes the chat over first."""
    with house.scope():
        await handoff.take_over(chat, await database_sync_to_async(colleague)())
        await handoff.resolve(chat, house.user)


def colleague() -> Any:
    user = get_user_model().objects.create_user(f"{uuid4()}@acme.example", first_name="Ben")
    Membership.objects.create(user=user, role=Membership.Role.STAFF)
    return user


def cut_short(server: Server, house: House) -> list[dict[str, Any]]:
    heard = []
    for script, says in (("tokens=3 stall=1", "reply.stop"), ("tokens=3 fail=1", None)):
        agent = house.scripted(script)
        with server.visitor(house, agent=agent) as visitor:
            visitor.say("message.send", client_message_id="c1", text="Go on")
            heard += until(visitor, "reply.delta")
            if says is not None:
                visitor.say(says)
            heard += until(visitor, "reply.cancelled" if says else "reply.failed")
    return heard


def test_every_code_of_the_page_is_one_the_server_knows() -> None:
    source = "".join(
        (ROOT / path).read_text()
        for path in (
            "apps/chats/frames.py",
            "apps/chats/acts.py",
            "apps/chats/impressions.py",
            "consumers/arrivals.py",
            "consumers/chat.py",
            "consumers/base.py",
            "apps/chats/conversations.py",
        )
    )
    for code in re.findall(r"^\| `([a-z_`, ]+)` \|", PAGE, re.MULTILINE)[1:]:
        for name in code.replace("`", "").split(", "):
            assert f'"{name}"' in source, name


def test_the_snapshot_on_the_page_is_what_a_dashboard_gets(acme: House) -> None:
    from apps.analysis import snapshots

    [example] = [frame for frame in examples("server") if frame["type"] == "snapshot"]
    with acme.scope():
        frame = events.frame("snapshot", **snapshots.take())
    assert set(frame) == set(example)
    assert set(frame["today"]) == set(example["today"])
    assert hasattr(DashboardConsumer, "snapshot_taken")
