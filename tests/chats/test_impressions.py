"""What visitors leave beside messages."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from apps.chats import conversations, impressions, inbox, transcripts
from apps.chats.conversations import Asked, BadMessage, Opening, Outcome
from apps.chats.models import Chat, ContentChat, Event, Process
from tests.world import House


@pytest.fixture
def asked(acme: House) -> Asked:
    opening = Opening(acme.agent.id, "v_visitor")
    with acme.scope():
        holder = Process.objects.create(leased_until=timezone.now() + timedelta(minutes=1)).id
        return conversations.ask(
            uuid4(), "Is it open?", client_message_id="c1", holder=holder, opening=opening
        )


def kinds(chat: UUID) -> list[str]:
    return list(Event.objects.filter(chat=chat).order_by("seq").values_list("type", flat=True))


def test_a_thumb_is_about_an_answer_that_exists(acme: House, asked: Asked) -> None:
    chat = asked.exchange.chat_id
    with acme.scope():
        with pytest.raises(BadMessage):
            impressions.thumb(chat, 1, 1)
        conversations.finish(asked.exchange, Outcome("completed", response="Yes."))
        impressions.thumb(chat, 1, 1)
        impressions.thumb(chat, 1, -1, "Wrong")
        kept = ContentChat.objects.get()
        assert (kept.feedback, kept.comment) == (-1, "Wrong")


def test_the_last_rating_of_a_chat_counts_and_staff_see_it(acme: House, asked: Asked) -> None:
    chat = asked.exchange.chat_id
    with acme.scope():
        impressions.rate(chat, 2, "Slow")
        [told] = impressions.rate(chat, 5)
        state = inbox.state(chat)
        assert (state["csat"], state["csat_comment"]) == (5, "")
        assert told.seq == Chat.objects.get(id=chat).last_seq
        assert kinds(chat)[-2:] == ["csat", "csat"]


def test_an_address_is_kept_for_staff_and_told_to_nobody(acme: House, asked: Asked) -> None:
    chat = asked.exchange.chat_id
    with acme.scope():
        [told] = impressions.leave_email(chat, "grace@example.org")
        assert inbox.state(chat)["email"] == "grace@example.org"
        assert "grace" not in told.text
        assert "grace" not in str(list(Event.objects.values_list("body", flat=True)))


@pytest.mark.parametrize(
    "address", ["", "grace", "grace@", "a b@example.org", "a@example.org\x00", f"{'a' * 250}@example.org"]
)
def test_what_is_no_address_is_refused_and_changes_nothing(acme: House, asked: Asked, address: str) -> None:
    with acme.scope():
        with pytest.raises(BadMessage) as refused:
            impressions.leave_email(asked.exchange.chat_id, address)
        assert refused.value.code == "bad_email"
        assert Chat.objects.get().email == ""


def test_what_the_page_says_replaces_what_it_said_and_takes_no_number(acme: House, asked: Asked) -> None:
    chat = asked.exchange.chat_id
    with acme.scope():
        before = Chat.objects.get(id=chat).last_seq
        impressions.describe(chat, {"context": {"page": "pricing"}, "attributes": {"plan": "pro"}})
        impressions.describe(chat, {"context": {"page": "cart"}, "attributes": {}})
        state = inbox.state(chat)
        assert (state["context"], state["attributes"]) == ({"page": "cart"}, {})
        assert Chat.objects.get(id=chat).last_seq == before


@pytest.mark.parametrize(
    "said",
    [
        "pricing",
        {str(number): 1 for number in range(21)},
        {"": 1},
        {"k" * 41: 1},
        {"a\nb": 1},
        {"nested": {}},
        {"list": []},
        {"null": None},
        {"long": "x" * 201},
        {"nul": "a\x00b"},
    ],
)
def test_only_a_few_short_facts_are_taken(said: object) -> None:
    with pytest.raises(ValueError, match="must"):
        impressions.facts(said)


def test_the_rivals_chat_takes_nothing(acme: House, globex: House, asked: Asked) -> None:
    with globex.scope(), pytest.raises(conversations.NoSuchChat):
        impressions.rate(asked.exchange.chat_id, 1)


def test_a_transcript_is_what_its_visitor_has_seen(acme: House, asked: Asked) -> None:
    chat = asked.exchange.chat_id
    cited = {"number": 1, "title": "Hours", "url": "javascript:alert(1)", "quote": "Daily."}
    with acme.scope():
        conversations.finish(asked.exchange, Outcome("completed", response="Daily. [1]", citations=(cited,)))
        inbox.write_note(chat, acme.user, "A regular", client_message_id="n1")
        text = transcripts.written(Chat.objects.get(id=chat))
    assert "> Is it open?" in text
    assert "Daily. [1]" in text
    assert "[1] Hours" in text
    assert "javascript" not in text
    assert "A regular" not in text


def test_a_transcript_that_is_drawn_runs_nothing_and_fetches_nothing(acme: House, asked: Asked) -> None:
    nasty = "<script>hit()</script> ![x](https://sink.example/i.png) =HYPERLINK(1)"
    cited = {"number": 1, "title": f"Hours\n# {nasty}", "url": "https://x.example", "quote": ""}
    with acme.scope():
        acme.agent.name = nasty
        acme.agent.save()
        conversations.finish(asked.exchange, Outcome("completed", response=nasty, citations=(cited,)))
        text = transcripts.written(Chat.objects.get(id=asked.exchange.chat_id))
    assert text.count("&lt;script>hit()&lt;/script>") == text.count("\\![x]") == 4
    assert "<script" not in text
    assert [line for line in text.splitlines() if line.startswith("#")] == [text.splitlines()[0]]
