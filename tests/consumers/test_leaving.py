"""What a provider sees where a visitor's line breaks, at each stage of a reply: its end, once nobody has come back for it."""

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from apps.agents.models import Agent
from apps.chats.models import ContentChat
from apps.tenants.models import Tenant
from chatwithus.embedded import Services
from tests.chats.elsewhere import elsewhere
from tests.server import Server, Visitor, serving, wait_until
from tests.upstream import Script, Upstream
from tests.wires import WIRES
from tests.world import House

Houses = tuple[House, House]
GRACE = 1  # seconds in which somebody may come back


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    upstream = Upstream(WIRES["ollama"])
    with elsewhere() as other:
        asyncio.run(other.do(upstream.__aenter__()))
        yield upstream
        asyncio.run(other.do(upstream.__aexit__(None, None, None)))


@pytest.fixture(scope="module")
def hasty(services: Services, upstream: Upstream) -> Iterator[Server]:
    """On a server of the operator's that gives one answer at a time."""
    url = f"http://127.0.0.1:{upstream.port}"
    with serving(
        services, OLLAMA_URL=url, REPLY_GRACE_SECONDS=str(GRACE), PROVIDER_CONCURRENCY="1"
    ) as running:
        yield running


@pytest.fixture
def acme(houses: Houses, upstream: Upstream) -> House:
    house, _ = houses
    upstream.asked.clear()
    Tenant.objects.filter(id=house.tenant.id).update(providers=["ollama"])
    with house.scope():
        known = {"provider": "ollama", "model": "m", "only_from_knowledge": False}
        Agent.objects.filter(id=house.agent.id).update(**known)
    return house


def leave(visitor: Visitor) -> None:
    """Without a word, as when a network goes."""
    visitor.connection.socket.close()


def ended(house: House) -> list[tuple[str, str]]:
    with house.scope():
        found = ContentChat.objects.exclude(state__in=["running", "queued"])
        return list(found.order_by("created_at").values_list("state", "reason"))


@pytest.mark.timely
@pytest.mark.parametrize("script", [
    Script(before=60), Script(first=60), Script(stall_after=1), Script(pieces=("w ",) * 10_000, between=0.01),
], ids=["before the headers", "before the first word", "after a word", "in full flow"])  # fmt: skip
def test_a_reply_whose_visitor_is_gone_ends_upstream(
    hasty: Server, acme: House, upstream: Upstream, script: Script
) -> None:
    upstream.script = script
    with hasty.visitor(acme) as visitor:
        visitor.say("message.send", client_message_id="m1", text="What is the weather?")
        wait_until(lambda: bool(upstream.asked))
        if not (script.before or script.first):
            visitor.hear("reply.delta")
        leave(visitor)
        left_at = time.monotonic()
    wait_until(lambda: upstream.running == 0)
    assert GRACE <= time.monotonic() - left_at < GRACE + 2
    wait_until(lambda: ended(acme) == [("stopped", "visitor_left")])
    assert len(upstream.asked) == 1


def test_who_leaves_the_line_before_a_turn_is_never_asked_for(
    hasty: Server, acme: House, upstream: Upstream
) -> None:
    upstream.script = Script(first=60)
    with hasty.visitor(acme) as first, hasty.visitor(acme) as second:
        first.say("message.send", client_message_id="m1", text="What is the weather?")
        wait_until(lambda: bool(upstream.asked))
        second.say("message.send", client_message_id="m2", text="And tomorrow?")
        second.hear("reply.started")
        leave(second)
        wait_until(lambda: ended(acme) == [("stopped", "visitor_left")])
        leave(first)
    wait_until(lambda: upstream.running == 0 and len(ended(acme)) == 2)
    assert len(upstream.asked) == 1


def test_who_comes_back_and_goes_before_being_welcomed_holds_nothing_up(
    hasty: Server, acme: House, upstream: Upstream
) -> None:
    upstream.script = Script(first=60)
    with hasty.visitor(acme) as visitor:
        visitor.say("message.send", client_message_id="m1", text="What is the weather?")
        chat = visitor.hear("ack")["chat"]
        wait_until(lambda: bool(upstream.asked))
        for _ in range(5):
            with hasty.socket(f"/ws/chat/{acme.agent.id}", origin=acme.origin) as again:
                Visitor(again).say("hello", token=visitor.welcome["token"], chat=chat)
                again.socket.shutdown(socket.SHUT_RDWR)
        leave(visitor)
    wait_until(lambda: ended(acme) == [("stopped", "visitor_left")])
