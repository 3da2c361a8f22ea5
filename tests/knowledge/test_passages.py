from collections.abc import Iterator
from itertools import pairwise

from apps.agents.sentences import sentences
from apps.knowledge import passages
from apps.knowledge.elements import Element
from apps.knowledge.passages import LONGEST, OVERLAP, SHORTEST, Passage, split


def text(words: int, *, about: str = "tents") -> Element:
    """A paragraph of ten-word sentences."""
    told = [f"Sentence number {n} of this text says something about {about}." for n in range(words // 9)]
    return Element("text", " ".join(told))


def title(name: str, *, depth: int = 0) -> Element:
    return Element("title", name, depth)


def size(passage: Passage) -> int:
    return len(passage.text.split())


def test_nothing_becomes_nothing() -> None:
    assert split([]) == []


def test_a_section_keeps_its_headings_from_the_outermost_in() -> None:
    found = split(
        [title("Help"), title("Returns", depth=1), text(150), title("Shipping", depth=1), text(150)]
    )
    assert [(one.heading_path, one.position) for one in found] == [
        (("Help", "Returns"), 0),
        (("Help", "Shipping"), 1),
    ]


def test_a_heading_closes_those_of_its_depth_and_deeper() -> None:
    found = split(
        [title("A"), title("B", depth=1), title("C", depth=2), text(120), title("D", depth=1), text(120), title("E"), text(120)]
    )  # fmt: skip
    assert [one.heading_path for one in found] == [("A", "B", "C"), ("A", "D"), ("E",)]


def test_small_sections_share_a_passage_and_keep_their_headings_as_lines() -> None:
    found = split(
        [title("Help"), title("Who pays?", depth=1), text(45), title("How long", depth=1), text(72)]
    )
    assert [one.heading_path for one in found] == [("Help",)]
    assert found[0].text.startswith("Who pays?\nSentence number 0")
    assert "\nHow long:\nSentence number 0" in found[0].text


def test_passages_have_100_to_350_words_where_the_document_allows() -> None:
    document = [
        element
        for n in range(40)
        for element in (title(f"Section {n}", depth=1), text(10 + n * 37 % 500, about=f"matter {n}"))
    ]
    found = split([title("All"), *document])
    assert all(SHORTEST <= size(one) <= LONGEST + 10 for one in found)
    assert [one.position for one in found] == list(range(len(found)))


def test_a_long_section_is_cut_between_sentences_with_a_little_overlap() -> None:
    whole = text(2000)
    found = split([title("Long"), whole])
    told = sentences(whole.text)
    for one in found:
        assert all(sentence in told for sentence in sentences(one.text))
    for one, following in pairwise(found):
        repeated = set(sentences(one.text)) & set(sentences(following.text))
        assert 0 < sum(len(sentence.split()) for sentence in repeated) <= OVERLAP
    assert {s for one in found for s in sentences(one.text)} == set(told)


def test_sections_that_fit_do_not_overlap() -> None:
    found = split([title("A"), text(200, about="boots"), title("B"), text(200, about="stoves")])
    assert not set(sentences(found[0].text)) & set(sentences(found[1].text))


def test_table_rows_are_never_cut_or_repeated() -> None:
    rows = [f"Repair: number {n}; Price: £{n}; Time: {n} working days or a little more" for n in range(120)]
    found = split([title("Prices"), Element("table", "\n".join(rows))])
    assert len(found) > 1
    assert [line for one in found for line in one.text.split("\n")] == rows


def test_a_short_list_becomes_one_sentence_with_its_introduction() -> None:
    items = [Element("list", name) for name in ("gas,", "food;", "gift cards.")]
    found = split([Element("text", "We do not take back:"), *items, Element("text", "That is all.")])
    assert found[0].text == "We do not take back: gas; food; gift cards.\nThat is all."


def test_a_list_of_sentences_stays_a_list() -> None:
    items = [Element("list", "Open the door. Go in."), Element("list", "Sit down.")]
    assert (
        split([Element("text", "Do this:"), *items])[0].text
        == "Do this:\n- Open the door. Go in.\n- Sit down."
    )


def test_a_heading_with_nothing_below_it_is_not_lost() -> None:
    assert "Opening hours" in split([title("Opening hours")])[0].text
    found = split([title("Closed on Monday", depth=1), title("Closed on Tuesday", depth=1), text(120)])
    assert "Closed on Monday" in found[0].text


def test_a_passage_names_the_page_on_which_it_begins() -> None:
    found = split([Element("text", text(180, about=f"page {page}").text, page=page) for page in (1, 2, 3, 4)])
    assert [one.page for one in found] == sorted({one.page for one in found if one.page})
    assert found[0].page == 1


def test_what_no_person_wrote_is_cut_all_the_same() -> None:
    monsters = ["word " * 5000, "x" * 100_000, "没有句号" * 3000]
    for monster in monsters:
        found = split([Element("text", monster)])
        assert len(found) > 5
        assert all(len(one.text) <= 8_000 for one in found)
        assert "".join("".join(one.text.split()) for one in found) == "".join(monster.split())


def test_a_document_of_many_small_pieces_is_cut_in_time() -> None:
    def pieces() -> Iterator[Element]:
        for n in range(30_000):
            yield Element("text", f"Fact {n}:") if n % 3 == 0 else Element("list", f"item {n}.")

    found = split(list(pieces()))
    assert sum(passages._size(one.text) for one in found) >= 60_000
