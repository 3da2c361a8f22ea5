"""A chat's own page."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.chats.models import Chat, Event, Note
from apps.tenants.middleware import SESSION_KEY
from tests.world import House


@pytest.fixture
def staff(acme: House) -> Client:
    return signed_in(acme)


def signed_in(house: House) -> Client:
    client = Client()
    client.force_login(house.user)
    session = client.session
    session[SESSION_KEY] = str(house.tenant.id)
    session.save()
    return client


def long_chat(house: House, exchanges: int) -> Chat:
    """One exchange a minute; to be called in the house's scope."""
    begin = timezone.now() - timedelta(minutes=exchanges)
    chat = Chat.objects.create(agent=house.agent, visitor="v_test", last_exchange=exchanges)
    for number in range(1, exchanges + 1):
        chat.exchanges.create(
            number=number,
            client_message_id=f"m{number}",
            request=f"Question {number}.",
            response=f"Answer {number}.",
            state="completed",
            created_at=begin + timedelta(minutes=number),
        )
    return chat


def test_a_kept_beginning_says_why_it_is_not_the_whole(staff: Client, acme: House) -> None:
    with acme.scope():
        chat = long_chat(acme, 4)
        for number, (state, reason) in enumerate(
            [
                ("stopped", "takeover"),
                ("stopped", "stopped"),
                ("failed", "provider_timeout"),
                ("waiting", ""),
            ],
            1,
        ):
            chat.exchanges.filter(number=number).update(state=state, reason=reason)
    page = staff.get(f"/console/chats/{chat.id}/").content.decode()
    for mark in (
        "Stopped here: taken over.",
        "Stopped by the visitor before it was finished.",
        "The answer failed before it was finished.",
        "Left for a person to answer.",
    ):
        assert page.count(mark) == 1


def test_what_staff_wrote_noted_and_did_stands_where_it_happened(staff: Client, acme: House) -> None:
    acme.user.first_name, acme.user.last_name = "Ada", "Lovelace"
    acme.user.save()
    with acme.scope():
        chat = long_chat(acme, 2)
        first = chat.exchanges.get(number=1).created_at
        for kind, body in (
            ("handoff", {"state": "staff", "by": "staff", "name": "Ada"}),
            ("resolved", {"by": "idle"}),
        ):
            Event.objects.create(
                chat=chat,
                seq=len(kind),
                type=kind,
                body=body,
                created_at=first + timedelta(seconds=len(kind)),
            )
        Note.objects.create(
            chat=chat, author=acme.user, text="A regular.", created_at=first + timedelta(seconds=7.5)
        )
        chat.exchanges.create(
            number=3, client_message_id="s1", response="Hello from Ada.", staff=acme.user, state="completed"
        )
        Chat.objects.filter(id=chat.id).update(last_exchange=3)
    page = staff.get(f"/console/chats/{chat.id}/").content.decode()
    parts = ["Question 1.", "Ada took over", "Internal note · Ada Lovelace", "A regular.",
             "Ended: nothing was said", "Question 2.", "Hello from Ada."]  # fmt: skip
    places = [page.index(part) for part in parts]
    assert places == sorted(places)


def test_a_long_chat_is_read_page_by_page_the_latest_first(staff: Client, acme: House) -> None:
    with acme.scope():
        chat = long_chat(acme, 120)
        at = chat.exchanges.get(number=30).created_at + timedelta(seconds=1)
        Note.objects.create(chat=chat, author=acme.user, text="Beside the thirtieth.", created_at=at)
    address = f"/console/chats/{chat.id}/"
    latest = staff.get(address).content.decode()
    assert "Question 120." in latest
    assert "Question 71." in latest
    assert "Question 70." not in latest
    assert "?before=71" in latest
    assert "Beside the thirtieth." not in latest
    middle = staff.get(f"{address}?before=71").content.decode()
    assert ("Question 70." in middle, "Question 21." in middle, "Question 71." in middle) == (
        True,
        True,
        False,
    )
    assert "Beside the thirtieth." in middle
    assert ("?before=21" in middle, "?before=121" in middle) == (True, True)
    oldest = staff.get(f"{address}?before=21").content.decode()
    assert ("Question 1." in oldest, 'rel="prev"' in oldest) == (True, False)


@pytest.mark.parametrize("before", ["x", "-1", "0", "999999999999999999999", "٣", "1"])
def test_a_page_that_does_not_exist_is_none(staff: Client, acme: House, before: str) -> None:
    with acme.scope():
        chat = long_chat(acme, 1)
    assert staff.get(f"/console/chats/{chat.id}/", {"before": before}).status_code == 200


def test_the_rival_finds_neither_the_page_nor_the_inbox_of_it(acme: House, globex: House) -> None:
    with acme.scope():
        chat = long_chat(acme, 1)
    rival = signed_in(globex)
    for address in (f"/console/chats/{chat.id}/", f"/console/inbox/{chat.id}/"):
        assert rival.get(address).status_code == 404
        assert signed_in(acme).get(address).status_code == 200


def test_a_citation_says_as_of_when_its_source_was_read(staff: Client, acme: House) -> None:
    with acme.scope():
        chat = long_chat(acme, 1)
        cited = {"number": 1, "title": "Returns", "quote": "30 days.", "at": "2026-03-01T10:00:00+00:00"}
        chat.exchanges.update(citations=[cited])
    page = staff.get(f"/console/chats/{chat.id}/").content.decode()
    assert "As of <time" in page
    assert 'datetime="2026-03-01T10:00:00+00:00">2026-03-01</time>' in page
