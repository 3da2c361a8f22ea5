import pytest

from apps.agents.followups import in_context

EARLIER = ["Hello", "How long does delivery to France take?"]


@pytest.mark.parametrize(
    "question", ["And for Ireland?", "what about Norway", "How much is it?", "Why?", "To Spain?"]
)
def test_a_question_that_leans_takes_the_one_before_along(question: str) -> None:
    assert in_context(question, earlier=EARLIER) == f"How long does delivery to France take? {question}"


@pytest.mark.parametrize(
    "question", ["What are your opening hours?", "Opening hours", "Do you repair boots?"]
)
def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert in_context(question, earlier=EARLIER) == question


def test_a_chain_of_leaning_questions_goes_back_to_the_first_that_stands() -> None:
    assert in_context("And Spain?", earlier=[*EARLIER, "And Ireland?"]) == f"{EARLIER[1]} And Spain?"


def test_without_anything_before_it_a_question_is_itself() -> None:
    assert in_context("And for Ireland?", earlier=[]) == "And for Ireland?"
