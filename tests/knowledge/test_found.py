from uuid import UUID

from apps.agents.relatedness import Line
from apps.knowledge.found import Found, Legs, why


def found(legs: Legs, *lines: Line) -> Found:
    return Found((), UUID(int=1), "Help", "", "A text.", None, 0, 0.1, legs, lines)


def test_what_adds_most_to_a_score_is_said_with_the_nearest_sentence() -> None:
    said = why(found(Legs(cosine=0.1, sentence_cosine=0.7, coverage=1.0), Line("Far.", 0.1), Line("Near.", 0.7)))  # fmt: skip
    assert said == (
        "One of its sentences means nearly what was asked, and it has 100% of the question's words, by their weight."
        " Its nearest sentence: “Near.”"
    )


def test_a_leg_that_adds_nothing_is_not_given_as_a_reason() -> None:
    assert why(found(Legs(sentence_cosine=0.2))) == "One of its sentences means little of what was asked."
    assert why(found(Legs())) == "Nothing in it is like what was asked."
