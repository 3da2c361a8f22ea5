"""Of what was ranked: no text twice, no source drowning the others, neighbours as one."""

from uuid import UUID

from apps.agents.relatedness import Line
from apps.agents.sentences import sentences
from apps.knowledge.choice import PER_SOURCE, chosen
from apps.knowledge.found import Found


def found(source: int, position: int, score: float, text: str = "") -> Found:
    told = text or f"Passage {position} of source {source}."
    lines = tuple(Line(sentence, score) for sentence in sentences(told))
    id = UUID(int=source * 1000 + position)
    return Found((id,), UUID(int=source), "Title", "", told, 1 + position, position, score, lines=lines)


def test_the_order_of_the_scores_stays() -> None:
    ranked = [found(source, 0, 1 - source / 10) for source in range(1, 5)]
    assert chosen(ranked, limit=3) == ranked[:3]


def test_the_same_text_is_given_once() -> None:
    copies = [found(source, 0, 0.9, "The depot  is green.") for source in range(1, 5)]
    assert chosen([*copies, found(9, 0, 0.5)], limit=6) == [copies[0], found(9, 0, 0.5)]


def test_one_source_leaves_room_for_what_others_have_to_say() -> None:
    loud = [found(1, 2 * n, 0.9 - n / 1000) for n in range(8)]
    given = chosen([*loud, found(2, 0, 0.7), found(3, 0, 0.6), found(4, 0, 0.2)], limit=6)
    assert [one.knowledge_id.int for one in given] == [1] * PER_SOURCE + [2, 3]


def test_a_source_alone_fills_all_places() -> None:
    loud = [found(1, 2 * n, 0.9 - n / 1000) for n in range(8)]
    assert chosen([*loud, found(2, 0, 0.2)], limit=6) == loud[:6]


def test_neighbours_are_one_in_the_place_of_the_better() -> None:
    ranked = [found(2, 0, 0.9), found(1, 5, 0.8), found(3, 0, 0.7), found(1, 4, 0.6), found(1, 6, 0.5)]
    given = chosen(ranked, limit=6)
    assert [one.score for one in given] == [0.9, 0.8, 0.7]
    merged = given[1]
    assert merged.text == "Passage 4 of source 1.\nPassage 5 of source 1.\nPassage 6 of source 1."
    assert (merged.position, merged.page, len(merged.ids), len(merged.lines)) == (4, 5, 3, 3)


def test_neighbours_that_only_a_third_joins_are_one() -> None:
    ranked = [found(1, 4, 0.9), found(1, 6, 0.8), found(1, 5, 0.7)]
    assert [one.text.count("Passage") for one in chosen(ranked, limit=6)] == [3]


def test_what_the_second_of_two_neighbours_repeats_is_told_once() -> None:
    first, second = found(1, 0, 0.9, "One. Two. Three."), found(1, 1, 0.8, "Two. Three. Four.")
    [merged] = chosen([first, second], limit=6)
    assert merged.text == "One. Two. Three.\nFour."
    assert [line.text for line in merged.lines] == ["One.", "Two.", "Three.", "Four."]


def test_nothing_is_chosen_of_nothing() -> None:
    assert chosen([], limit=6) == []
