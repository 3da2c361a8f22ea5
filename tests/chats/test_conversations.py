"""Writes to a chat: once, fenced, and never left open."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.chats import conversations
from apps.chats.conversations import Asked, Outcome
from apps.chats.models import Chat, ContentChat, Event
from tests.world import House


def asked(house: House) -> Asked:
    chat = conversations.open_chat(house.agent, "v")
    return conversations.ask(chat.id, "Hello?", client_message_id="m")


def test_an_answer_of_an_older_epoch_is_fenced_off(acme: House) -> None:
    with acme.scope():
        late = asked(acme)
        Chat.objects.filter(id=late.chat.id).update(epoch=2)
        assert conversations.finish(late.exchange, Outcome("completed", response="Too late.")) is None
        assert ContentChat.objects.get().response == ""


def test_an_answer_is_saved_once(acme: House) -> None:
    with acme.scope():
        one = asked(acme)
        assert conversations.finish(one.exchange, Outcome("completed", response="Yes.")) == 2
        assert conversations.finish(one.exchange, Outcome("stopped")) is None
        assert (ContentChat.objects.get().state, Event.objects.count()) == ("completed", 2)


def test_a_reply_whose_process_died_is_given_up_and_no_other(acme: House) -> None:
    with acme.scope():
        running = asked(acme)
        assert conversations.give_up(before=timezone.now() - timedelta(minutes=5)) == 0
        assert conversations.give_up(before=timezone.now()) == 1
        assert ContentChat.objects.get(id=running.exchange.id).state == "failed"
        assert conversations.give_up(before=timezone.now()) == 0


def test_a_tenant_cannot_be_deleted_by_who_serves(acme: House, globex: House) -> None:
    from django.db import ProgrammingError

    with (
        acme.scope(),
        connection.cursor() as cursor,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        cursor.execute("DELETE FROM tenants_tenant WHERE id = %s", [globex.tenant.id])
