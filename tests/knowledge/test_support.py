"""Whether passages say what an answer says."""

import pytest

from apps.knowledge import support
from apps.knowledge.models import Passage
from tests.world import House

TEXT = """# Returns
You have 30 days to return something you bought from us. The 30 days start on the day your parcel arrives.
Returns from the United Kingdom are free. The shop is run by Ruth Calder, who answers every complaint within three working days.
"""


def judged(house: House, answer: str) -> list[bool]:
    with house.scope():
        given = list(Passage.objects.values_list("id", flat=True))
        return [claim.is_supported for claim in support.claims(answer, given)]


@pytest.mark.parametrize(
    "answer",
    [
        "You have 30 days to return something you bought from us. [1]",
        "You may return something that you bought within 30 days. [1]",
        "The 30 days begin on the day on which your parcel arrives.",
        "Complaints are answered by Ruth Calder within three working days.",
    ],
)
def test_what_the_sources_say_is_supported_word_for_word_or_not(acme: House, answer: str) -> None:
    acme.knows(TEXT)
    assert judged(acme, answer) == [True]


@pytest.mark.parametrize(
    "answer",
    [
        "You have 60 days to return something you bought from us. [1]",
        "The shop is run by Elon Musk, who answers every complaint within three working days.",
        "We also sell insurance for expensive mountain bikes.",
        "Returns from the United Kingdom cost a processing fee of £4.",
    ],
)
def test_what_they_do_not_say_is_not(acme: House, answer: str) -> None:
    acme.knows(TEXT)
    assert judged(acme, answer) == [False]


def test_each_sentence_is_judged_for_itself(acme: House) -> None:
    acme.knows(TEXT)
    assert judged(
        acme, "Returns from the United Kingdom are free. [1] Bicycles are delivered by helicopter. [1]"
    ) == [True, False]


@pytest.mark.parametrize("answer", ["", "Hello!", "How can I help you with your order today?", "Yes. [1]"])
def test_what_claims_nothing_is_not_judged(acme: House, answer: str) -> None:
    acme.knows(TEXT)
    assert judged(acme, answer) == []


def test_nothing_supports_without_sources(acme: House, globex: House) -> None:
    globex.knows(TEXT)
    with globex.scope():
        foreign = list(Passage.objects.values_list("id", flat=True))
    with acme.scope():
        told = "You have 30 days to return something you bought from us."
        assert [claim.is_supported for claim in support.claims(told, [])] == [False]
        assert [claim.is_supported for claim in support.claims(told, foreign)] == [False]


GERMAN = """# Rückgabe
Die Rückgabe ist innerhalb von dreißig Tagen möglich, und die Kosten der Rücksendung übernehmen wir für alle Kundinnen und Kunden.
Der Laden wird von Özlem Ärmel geführt, die jede Beschwerde innerhalb von drei Werktagen beantwortet.
"""


def test_german_nouns_are_no_names(acme: House) -> None:
    acme.knows(GERMAN)
    assert judged(acme, "Die Rückgabe ist allen Käufern innerhalb von dreißig Tagen möglich.") == [True]
    assert judged(acme, "Die Kosten der Rücksendung übernehmen wir für alle Kunden im Laden.") == [True]
    told = (
        "Der Laden wird von Elon Musk geführt, der jede Beschwerde innerhalb von drei Werktagen beantwortet."
    )
    assert judged(acme, told) == [False]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The shop is run by Özlem Ärmel.", {"özlem", "ärmel"}),
        ("The shop is run by Łukasz and Ólafur.", {"łukasz", "ólafur"}),
        ("The shop is green.", set()),
    ],
)
def test_names_begin_with_any_large_letter(text: str, found: set[str]) -> None:
    assert support.names(text) == found


def test_two_large_words_side_by_side_are_a_name_in_german() -> None:
    told = "Der Laden gehört Herrn Özlem Ärmel, und die Kosten trägt sein Haus."
    assert support.names(told, in_german=True) == {"herrn", "özlem", "ärmel"}
