from uuid import UUID

import pytest

from apps.chats import citations
from apps.knowledge.retrieval import Found

SOURCE = UUID(int=1)
FOUND = [
    Found((UUID(int=2),), SOURCE, "Returns", "", "You have 30 days. Keep the receipt.", None, 0, 1.0),
    Found((UUID(int=3),), SOURCE, "Repairs", "", "A repair takes three weeks.", 4, 1, 0.5),
]


def test_each_cited_passage_is_listed_once_with_the_sentence_quoted() -> None:
    cited = citations.resolve(
        "You have 30 days. [1] Keep the receipt. [1] A repair takes three weeks. [2]", FOUND
    )
    assert [(one["number"], one["title"], one["quote"], one["page"]) for one in cited] == [
        (1, "Returns", "You have 30 days.", None),
        (2, "Repairs", "A repair takes three weeks.", 4),
    ]


@pytest.mark.parametrize("answer", ["I do not know.", "See [3].", "See [0] and [99].", "[x]", ""])
def test_a_number_that_was_never_given_cites_nothing(answer: str) -> None:
    assert citations.resolve(answer, FOUND) == []


def test_words_that_are_not_in_the_passage_are_not_shown_as_a_quote() -> None:
    [cited] = citations.resolve("They said a month. [1]", FOUND)
    assert cited["quote"] == FOUND[0].text


def test_a_long_answer_without_markers_is_read_at_once() -> None:
    """Quadratic, this would take minutes."""
    assert citations.resolve("word " * 40_000, []) == []
