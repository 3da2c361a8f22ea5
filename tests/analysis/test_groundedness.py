"""Every answer is judged once, after it has ended, by what its mind was given to read."""

from typing import Any

import pytest

from apps.analysis import groundedness, scoring, snapshots
from apps.analysis.models import Groundedness
from apps.chats.models import Chat, ContentChat
from apps.knowledge.models import Passage
from tests.world import House

TEXT = "You have 30 days to return something you bought from us. Returns from Ireland are free."


def exchange(house: House, response: str, **known: Any) -> ContentChat:
    house.knows(TEXT)
    chat = Chat.objects.create(agent=house.agent, visitor="v", last_exchange=1)
    given = [str(id) for id in Passage.objects.values_list("id", flat=True)]
    told = {
        "number": 1,
        "client_message_id": "m",
        "request": "How long?",
        "state": "completed",
        "given": given,
    }
    return ContentChat.objects.create(chat=chat, response=response, **{**told, **known})


@pytest.mark.parametrize(
    ("response", "verdict", "share"),
    [
        ("You have 30 days to return something you bought from us. [1]", "supported", 1.0),
        ("Returns from Ireland are free. [1] Camels carry them over the mountains.", "partly", 0.5),
        ("Camels carry your parcels over the mountains.", "unsupported", 0.0),
        ("Hello.", "nothing", None),
    ],
)
def test_an_answer_gets_its_verdict(acme: House, response: str, verdict: str, share: float | None) -> None:
    with acme.scope():
        scoring.score(exchange(acme, response).id)
        found = Groundedness.objects.get()
        assert (found.verdict, found.support) == (verdict, share)
        assert len(found.unsupported) == (0 if share in (1.0, None) else 1)
        assert snapshots.take()["latest"][0]["grounded"] == verdict


def test_a_refusal_is_no_claim(acme: House) -> None:
    with acme.scope():
        scoring.score(exchange(acme, acme.agent.refusal, given=[]).id)
        assert Groundedness.objects.get().verdict == "refused"


def test_judging_again_changes_nothing(acme: House) -> None:
    with acme.scope():
        asked = exchange(acme, TEXT)
        scoring.score(asked.id)
        scoring.score(asked.id)
        assert Groundedness.objects.count() == 1


@pytest.mark.parametrize("known", [{"state": "running"}, {"state": "failed"}, {"response": ""}])
def test_what_is_no_whole_answer_is_not_judged(acme: House, known: dict[str, str]) -> None:
    with acme.scope():
        groundedness.judge(exchange(acme, **{"response": "Camels carry your parcels.", **known}))
        assert not Groundedness.objects.exists()
