"""Counting: the same whatever is delivered twice, and never anyone else's."""

import uuid

from apps.analysis import scoring, snapshots
from apps.analysis.models import Rollup, SentimentAnalysis
from apps.chats import conversations
from apps.chats.conversations import Opening, Outcome
from tests.world import House


def converse(house: House, *messages: str) -> list[str]:
    opening, holder = Opening(house.agent.id, "v"), uuid.uuid4()
    chat_id = conversations.chat_id_for(opening)
    exchanges = []
    for number, text in enumerate(messages):
        asked = conversations.ask(
            chat_id, text, client_message_id=f"m{number}", holder=holder, opening=opening
        )
        ended = Outcome("completed", response="Yes.", first_token_ms=40, total_ms=90)
        conversations.finish(asked.exchange, ended)
        scoring.score(asked.exchange.id)
        exchanges.append(str(asked.exchange.id))
    return exchanges


def test_today_counts_chats_exchanges_sentiment_and_first_tokens(acme: House) -> None:
    with acme.scope():
        converse(acme, "I love it!", "This is terrible.", "When do you open?")
        converse(acme, "Great!")
        today = snapshots.take()["today"]
    assert today.pop("first_token_p50_ms") in range(30, 50)
    assert today == {"chats": 2, "exchanges": 4, "positive": 2, "neutral": 1, "negative": 1}


def test_a_task_delivered_twice_counts_once(acme: House) -> None:
    with acme.scope():
        [exchange_id] = converse(acme, "I love it!")
        before = snapshots.take()["today"]
        scoring.score(exchange_id)  # type: ignore[arg-type]
        assert snapshots.take()["today"] == before
        assert SentimentAnalysis.objects.count() == 1
        assert Rollup.objects.count() == 1


def test_the_rival_counts_nothing_of_it(acme: House, globex: House) -> None:
    with acme.scope():
        converse(acme, "I love it!")
    with globex.scope():
        snapshot = snapshots.take()
    assert snapshot["today"]["exchanges"] == 0
    assert snapshot["latest"] == []


def test_the_latest_chats_show_their_last_words_and_feeling(acme: House) -> None:
    with acme.scope():
        converse(acme, "I love it!", "Now it is terrible.")
        [row] = snapshots.take()["latest"]
    assert (row["preview"], row["sentiment"], row["cause"]) == ("Now it is terrible.", "negative", "terrible")
    assert row["exchanges"] == 2


def test_an_exchange_whose_task_was_lost_is_found_again(acme: House) -> None:
    from datetime import timedelta

    from django.utils import timezone

    with acme.scope():
        opening = Opening(acme.agent.id, "v")
        chat_id = conversations.chat_id_for(opening)
        asked = conversations.ask(
            chat_id, "Hello?", client_message_id="m", holder=uuid.uuid4(), opening=opening
        )
        now = timezone.now()
        span = {"since": now - timedelta(days=1), "before": now + timedelta(seconds=1)}
        assert scoring.unscored(**span) == [asked.exchange.id]
        scoring.score(asked.exchange.id)
        assert scoring.unscored(**span) == []
