"""The lists that staff see."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.chats import bell, conversations, inbox
from apps.chats.models import Chat, ContentChat, Note
from tests.world import House

NOW = timezone.now()


def chat(house: House, *said: str, minutes: int = 0, **fields: object) -> Chat:
    """A chat in which this was asked, so many minutes ago; to be called in the house's scope."""
    made = Chat.objects.create(
        agent=house.agent,
        visitor="v_test",
        last_at=NOW - timedelta(minutes=minutes),
        last_exchange=len(said),
        **fields,
    )
    for number, request in enumerate(said, start=1):
        made.exchanges.create(
            number=number, client_message_id=f"m{number}", request=request, state="completed"
        )
    return made


@pytest.fixture(autouse=True)
def quiet_bell(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Nobody listens here, and there is no Valkey worth waking for it."""
    rung: list[object] = []
    monkeypatch.setattr(bell, "ring", lambda *ring: rung.append(ring))
    return rung


def test_each_tab_has_its_chats_the_newest_first(acme: House) -> None:
    with acme.scope():
        waiting = chat(acme, "Help", handled_by="waiting", waiting_since=NOW)
        ours = chat(acme, "Help", minutes=1, handled_by="staff", assignee=acme.user)
        older = chat(acme, "Help", minutes=9)
        newer = chat(acme, "Help", minutes=2)
        ended = chat(acme, "Help", minutes=3, resolved_at=NOW)
        listed = {tab: [row["chat"] for row in inbox.listing(tab)] for tab in inbox.TABS}
        counts = inbox.counts()
    assert listed["waiting"] == [str(waiting.id)]
    assert listed["staff"] == [str(ours.id)]
    assert listed["agent"] == [str(newer.id), str(older.id)]
    assert listed["all"] == [str(one.id) for one in (waiting, ours, newer, ended, older)]
    assert counts == {"waiting": 1, "staff": 1, "agent": 2}


def test_a_row_says_what_was_said_last_and_who_answers(acme: House) -> None:
    acme.user.first_name, acme.user.last_name = "Ada", "Lovelace"
    acme.user.save()
    with acme.scope():
        made = chat(acme, "First", "x" * 500, handled_by="staff", assignee=acme.user, answering=2)
        [row] = inbox.listing("staff")
        made.exchanges.create(
            number=3, client_message_id="s", response="Hello from Ada", staff=acme.user, state="completed"
        )
        [again] = inbox.listing("staff")
    assert row["preview"] == "x" * 140
    assert (row["name"], row["assignee"], row["is_answering"]) == ("Ada Lovelace", acme.user.pk, True)
    assert again["preview"] == "Hello from Ada"
    json.dumps(row)


def test_a_list_is_bounded_and_costs_the_same_however_long_it_is(acme: House) -> None:
    with acme.scope():
        for number in range(inbox.FEW + 5):
            chat(acme, "Help", minutes=number)
        assert len(inbox.listing("agent")) == inbox.FEW
        assert len(inbox.listing("agent", 10**9)) == inbox.FEW + 5
        with CaptureQueriesContext(
            connection,
        ) as asked:
            inbox.listing("all")
    assert (
        len([query for query in asked if "SELECT" in query["sql"] and "set_config" not in query["sql"]]) == 1
    )


def test_the_rival_sees_none_of_it(acme: House, globex: House) -> None:
    with acme.scope():
        ours = chat(acme, "Help")
    with globex.scope():
        assert inbox.listing("all") == []
        assert inbox.counts() == {"waiting": 0, "staff": 0, "agent": 0}
        with pytest.raises(conversations.NoSuchChat):
            inbox.state(ours.id)
        with pytest.raises(conversations.NoSuchChat):
            inbox.write_note(ours.id, globex.user, "CANARY", client_message_id="n1")
        assert inbox.noted(ours.id) == []


def test_a_note_is_written_once_for_each_id_of_its_author(acme: House, quiet_bell: list[object]) -> None:
    with acme.scope():
        about = chat(acme, "Help")
        for text in ("A regular", "A regular"):
            inbox.write_note(about.id, acme.user, text, client_message_id="n1")
        inbox.write_note(about.id, acme.user, "Really", client_message_id="n2")
        assert [note["text"] for note in inbox.noted(about.id)] == ["A regular", "Really"]
        with pytest.raises(conversations.BadMessage):
            inbox.write_note(about.id, acme.user, " ", client_message_id="n3")
        assert Note.objects.count() == 2
        assert ContentChat.objects.filter(chat=about).count() == 1
    assert len(quiet_bell) == 3


def test_colleagues_are_known_by_their_names(acme: House) -> None:
    assert inbox.known_as(acme.user) == acme.user.username
    assert inbox.known_as(None) == "A former colleague"
