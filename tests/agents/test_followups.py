import pytest

from apps.agents.followups import in_context

EARLIER = ["Hello", "How long does delivery to France take?"]


@pytest.mark.parametrize("question", ["How much is it?", "Why?", "To Spain?", "And who pays?", "and if not?"])
def test_a_question_that_leans_takes_the_one_before_along(question: str) -> None:
    assert in_context(question, earlier=EARLIER) == f"{EARLIER[1]} {question}"


@pytest.mark.parametrize(
    ("before", "question"),
    [
        ("Wie lange kann ich Kleidung zurückgeben?", "Und für Elektronik?"),
        ("Wann öffnet das Lager in Cork?", "was ist mit dem Lager in Bantry"),
        ("Combien coûte la livraison en France ?", "Et en Belgique ?"),
        ("¿Cuánto cuesta el envío a España?", "¿Y a Portugal?"),
        ("Quanto costa la spedizione in Italia?", "E in Svizzera?"),
    ],
)
def test_a_question_leans_in_other_languages_too(before: str, question: str) -> None:
    assert in_context(question, earlier=[before]) == f"{before} {question}"


@pytest.mark.parametrize(
    "question", ["What are your opening hours?", "Opening hours", "Do you repair boots?"]
)
def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert in_context(question, earlier=EARLIER) == question


def test_a_chain_of_leaning_questions_goes_back_to_the_first_that_stands() -> None:
    assert (
        in_context("And Spain?", earlier=[*EARLIER, "And Ireland?"])
        == "How long does delivery to Spain take?"
    )


def test_without_anything_before_it_a_question_is_itself() -> None:
    assert in_context("And for Ireland?", earlier=[]) == "And for Ireland?"


@pytest.mark.parametrize(
    ("before", "question", "meant"),
    [
        ("How long do I have to return clothes?", "And for electronics?", "How long do I have to return electronics?"),
        ("How much is delivery to the UK?", "and to Ireland", "How much is delivery to Ireland?"),
        ("When do you open on Sunday?", "What about Monday?", "When do you open on Monday?"),
        ("How long does delivery to France take?", "What about Norway", "How long does delivery to Norway take?"),
        ("Can I rent a tent?", "and a sleeping bag?", "Can I rent a sleeping bag?"),
        ("how do I return boots?", "And Ireland?", "how do I return boots? Ireland?"),
    ],
)  # fmt: skip
def test_another_thing_takes_the_place_of_the_last(before: str, question: str, meant: str) -> None:
    assert in_context(question, earlier=[before]) == meant
