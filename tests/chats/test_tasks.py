"""The sweeps: what nobody reads any more is finished all the same."""

import asyncio
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.chats import conversations, tasks
from apps.chats.models import Chat, ContentChat, Process
from apps.tenants import lookup
from tests.chats.conftest import script
from tests.chats.test_conversations import asked, process
from tests.scripted import answer
from tests.world import House


def test_a_sweep_answers_what_a_dead_process_left(house: House) -> None:
    script(house, "tokens=9")
    left = asked(house, process(is_alive=False))
    assert house.tenant.id in lookup.tenants_with_abandoned_replies(sorted(conversations.alive()))
    asyncio.run(tasks._rescue())
    kept = ContentChat.objects.get(id=left.exchange.id)
    assert (kept.state, kept.response, kept.epoch) == ("completed", answer("tokens=9"), 2)
    assert house.tenant.id not in lookup.tenants_with_abandoned_replies(sorted(conversations.alive()))


def test_the_sweep_over_all_tenants_enqueues_only_where_something_was_left(
    house: House, houses: tuple[House, House], monkeypatch: Any
) -> None:
    left, enqueued = asked(house, process(is_alive=False)), []
    monkeypatch.setattr(tasks.rescue_tenant, "delay", lambda: enqueued.append(left))
    old = Process.objects.create(leased_until=timezone.now() - timedelta(days=1))
    tasks.rescue()
    assert enqueued.count(left) >= 1
    assert not Process.objects.filter(id=old.id).exists()


def test_an_idle_chat_ends_by_its_tenants_own_measure(house: House) -> None:
    script(house, "tokens=1")
    one = asked(house, process())
    conversations.finish(one.exchange, conversations.Outcome("completed", response="Yes.", cuts=(4,)))
    Chat.objects.update(last_at=timezone.now() - timedelta(minutes=10))
    tasks.end_idle_tenant.run()
    assert Chat.objects.get().resolved_at is None
    house.tenant.idle_minutes = 9
    house.tenant.save()
    tasks.end_idle_tenant.run()
    assert Chat.objects.get().resolved_at is not None
