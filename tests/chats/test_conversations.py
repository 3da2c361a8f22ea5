"""Writes to a chat: once, numbered, fenced, and taken up where a process died."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.chats import conversations
from apps.chats.conversations import Asked, BadMessage, Opening, Outcome
from apps.chats.models import Chat, ContentChat, Event, Process
from tests.world import House


def process(*, is_alive: bool = True) -> uuid.UUID:
    until = timezone.now() + timedelta(minutes=1 if is_alive else -1)
    return Process.objects.create(leased_until=until).id


def asked(house: House, holder: uuid.UUID, text: str = "Hello?", message: str = "m") -> Asked:
    opening = Opening(house.agent.id, "v")
    chat_id = conversations.chat_id_for(opening, "m")
    return conversations.ask(chat_id, text, client_message_id=message, holder=holder, opening=opening)


def test_an_answer_of_an_older_epoch_is_fenced_off(acme: House) -> None:
    with acme.scope():
        late = asked(acme, process())
        Chat.objects.update(epoch=2)
        assert conversations.finish(late.exchange, Outcome("completed", response="Too late.")) is None
        assert ContentChat.objects.get().response == ""


def test_an_answer_is_saved_once(acme: House) -> None:
    with acme.scope():
        one = asked(acme, process())
        finished = conversations.finish(one.exchange, Outcome("completed", response="Yes.", cuts=(4,)))
        assert finished is not None
        assert [entry.seq for entry in finished.told] == [3]
        assert conversations.finish(one.exchange, Outcome("stopped")) is None
        assert (ContentChat.objects.get().state, Event.objects.count()) == ("completed", 3)


def test_every_reply_of_a_chat_has_an_epoch_of_its_own(acme: House) -> None:
    with acme.scope():
        holder = process()
        first = asked(acme, holder)
        second = asked(acme, holder, "And?", "m2")
        assert (first.exchange.epoch, second.exchange.state) == (1, "queued")
        finished = conversations.finish(first.exchange, Outcome("completed", response="Yes."))
        assert finished is not None
        assert finished.following is not None
        assert (finished.following.exchange.number, finished.following.exchange.epoch) == (2, 2)
        assert [(turn.request, turn.response) for turn in finished.following.history] == [("Hello?", "Yes.")]


def test_a_message_id_names_one_text(acme: House) -> None:
    with acme.scope():
        holder = process()
        first, again = asked(acme, holder), asked(acme, holder)
        assert (again.is_new, again.exchange.id, again.seq) == (False, first.exchange.id, first.seq)
        with pytest.raises(BadMessage, match="new one"):
            asked(acme, holder, "Something else")


def test_only_a_reply_whose_process_died_is_taken_up(acme: House, globex: House) -> None:
    with acme.scope():
        alive = asked(acme, process())
        assert conversations.abandoned() == []
        assert conversations.take_up(alive.exchange.chat_id, holder=process()) is None
    with globex.scope():
        dead = asked(globex, process(is_alive=False))
        assert conversations.abandoned() == [dead.exchange.chat_id]
        taken = conversations.take_up(dead.exchange.chat_id, holder=process())
        assert taken is not None
        assert taken.following is not None
        assert (taken.following.exchange.epoch, taken.following.exchange.attempts) == (2, 2)
        assert conversations.finish(dead.exchange, Outcome("completed", response="Too late.")) is None
    with acme.scope():
        assert conversations.abandoned() == []


def test_a_tenant_cannot_be_deleted_by_who_serves(acme: House, globex: House) -> None:
    from django.db import ProgrammingError

    with (
        acme.scope(),
        connection.cursor() as cursor,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        cursor.execute("DELETE FROM tenants_tenant WHERE id = %s", [globex.tenant.id])
