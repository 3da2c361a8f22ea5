"""Chats older than their tenant keeps them go, with all that was said, and no others."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.chats import retention
from apps.chats.models import Chat, ContentChat, Event, Note, Visitor
from apps.chats.tasks import delete_old_tenant
from apps.tenants.models import AuditEntry
from tests.world import House


def chat(house: House, days: float, visitor: str = "v_x") -> Chat:
    """One in which something was last said so long ago."""
    at = timezone.now() - timedelta(days=days)
    with house.scope():
        made = Chat.objects.create(agent=house.agent, visitor=visitor, last_at=at)
        ContentChat.objects.create(
            chat=made, number=1, client_message_id="m", request="CANARY", state="completed"
        )
        Event.objects.create(chat=made, seq=1, type="message")
        Note.objects.create(chat=made, author=house.user, text="CANARY")
        return made


def run(house: House) -> None:
    with house.scope():
        delete_old_tenant.apply(headers={"cwu_tenant": str(house.tenant.id)}).get()


def left(house: House) -> set[object]:
    with house.scope():
        return set(Chat.objects.values_list("id", flat=True))


def keep(house: House, days: int | None) -> None:
    house.tenant.retention_days = days
    house.tenant.save()


def test_what_is_too_old_goes_with_all_that_was_said(acme: House, globex: House) -> None:
    keep(acme, 30)
    chat(acme, 30.1)
    young, theirs = chat(acme, 29.9), chat(globex, 1000)
    run(acme)
    run(globex)
    assert left(acme) == {young.id}
    assert left(globex) == {theirs.id}
    with acme.scope():
        assert [ContentChat.objects.count(), Event.objects.count(), Note.objects.count()] == [1, 1, 1]
        entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_kind, entry.facts) == (
        "chats.deleted",
        "system",
        {"count": 1, "days": 30},
    )


def test_without_a_limit_chats_are_kept_and_nothing_is_noted(acme: House) -> None:
    old = chat(acme, 5000)
    run(acme)
    assert left(acme) == {old.id}
    with acme.scope():
        assert not AuditEntry.objects.exists()


def test_many_go_in_parts(acme: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        chat(acme, 3)
    with acme.scope():
        assert retention.delete_silent(timedelta(days=2)) == 5
    assert left(acme) == set()


def test_people_whose_last_chat_went_are_forgotten(acme: House) -> None:
    long_ago = timezone.now() - timedelta(days=40)
    chat(acme, 40, "u_gone")
    chat(acme, 1, "u_here")
    with acme.scope():
        for name in ("u_gone", "u_here"):
            Visitor.objects.create(visitor=name, subject=name, email="canary@x.example", seen_at=long_ago)
    keep(acme, 30)
    run(acme)
    with acme.scope():
        assert Visitor.objects.get().visitor == "u_here"
