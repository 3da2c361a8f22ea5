import time
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


def sieved(text: str, given: int, size: int) -> str:
    """As a reader is told it, where it arrives in pieces of that size."""
    sieve = citations.Sieve(given)
    said = [sieve.pass_on(text[start : start + size]) for start in range(0, len(text), size)]
    sieve.end()
    return "".join([*said, sieve.pass_on("")])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 1000])
@pytest.mark.parametrize(("said", "told"), [
    ("You have 30 days. [1]", "You have 30 days. [1]"), ("So [7] it is [2].", "So  it is [2]."), ("[1][7][2]", "[1][2]"), ("[1, 7, 2]", "[1][2]"),
    ("[ 7 ]", ""), ("[0]", ""), ("[999]", ""), ("[ 2 ]", "[2]"), ("[2; 9]", "[2]"), ("a[x] b[12a] [not]", "a[x] b[12a] [not]"), ("an end [1", "an end [1"),
    ("[", "["), ("[[7]]", "[]"), ("[1234] words", "[1234] words"), ("red \x1b[31mtext\x1b[0m", "red [31mtext[0m"), ("a\u202eb\U000e0041c", "abc"),
    ("[1-9]", "[1][2]"), ("see [3–9].", "see ."), ("so【7】", "so"), ("so【2†source】", "so[2]"), ("so【4:0†source】", "so"), ("so[^7] and[^1]", "so and[1]"),
    ("use arr[0] and m[12] or f(x)[3][0] now", "use arr[0] and m[12] or f(x)[3][0] now"), ("30 days[1] and[1, 2].", "30 days[1] and[1][2]."),
    ("[7](http://evil.example/a) x", " x"), ("so [1](HTTPS://evil.example/a 'b'), y", "so [1], y"), ("a[7](//evil.example)", "a"), ("[7](see below)", "(see below)"),
    ("[7](javascript:alert)[8]", ""), ("[1](Note: only here)", "[1](Note: only here)"), ("【7", "【7"), ("[2](www", "[2](www"), ("三十天[7]。", "三十天。"),
    ("keeps 👩‍👩‍👧 ❤️ می‌خواهم", "keeps 👩‍👩‍👧 ❤️ می‌خواهم"), ("one\ttwo\nthree", "one\ttwo\nthree"),
])  # fmt: skip
def test_numbers_that_were_not_given_never_leave_however_they_arrive(said: str, told: str, size: int) -> None:
    assert sieved(said, 2, size) == told


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 1000])
@pytest.mark.parametrize(("said", "told"), [
    ("use `a[1, 2]` here [1, 9]", "use `a[1, 2]` here [1]"), ("``b`[7]`` [7]", "``b`[7]`` "), ("```py\nx = [7, 8]\n\ny[0] = [9]\n```\nso [7] [2]",
     "```py\nx = [7, 8]\n\ny[0] = [9]\n```\nso  [2]"), ("~~~\n[7]\n```\n[8]\n~~~~\n[9]", "~~~\n[7]\n```\n[8]\n~~~~\n"), ("~~gone [7]~~", "~~gone ~~"),
    ("- a\n- ```\n  [7]\n  ```\n- b [7]", "- a\n- ```\n  [7]\n  ```\n- b "), ("```[7]``` and [7]", "```[7]``` and "), ("a ``` b [7]\n\nc [7]", "a ``` b [7]\n\nc "),
    ("it`s [7]\nhere [7]\n\nnow [7][1]", "it`s [7]\nhere [7]\n\nnow [1]"), ("```\nnever closed [7]", "```\nnever closed [7]"), ("[7](http://e.example/`a`)", "(http://e.example/`a`)"),
    ("`x`[1, 2] and `[7](http://e.example)`", "`x`[1][2] and `[7](http://e.example)`"), ("[1`", "[1`"), ("[7]`", "`"), ("`a\x1b[1]`", "`a[1]`"),
])  # fmt: skip
def test_code_is_told_as_it_is(said: str, told: str, size: int) -> None:
    assert sieved(said, 2, size) == told


def test_numbers_in_code_cite_nothing() -> None:
    said = "Take `words[1]`:\n```\n[1]\n```\nA repair takes three weeks. [2]"
    assert [one["number"] for one in citations.resolve(said, FOUND)] == [2]
    assert [one["number"] for one in citations.resolve("It`s what it says. [2]", FOUND)] == [2]


@pytest.mark.parametrize(
    "text", ["`" * 200_000, "`[" * 100_000, "~~~\n" * 50_000, "[`" * 100_000, "``` `" * 40_000]
)
def test_marks_without_end_are_read_at_once(text: str) -> None:
    """Quadratic, these would take minutes."""
    began = time.process_time()
    sieved(text, 2, 400)
    citations.resolve(text, FOUND)
    assert time.process_time() - began < 10


def test_a_parenthesis_behind_a_marker_waits_no_longer_than_it_may_be_a_link() -> None:
    sieve = citations.Sieve(2)
    assert [sieve.pass_on(piece) for piece in ("[1]", "(see", " the", " receipt")] == [
        "",
        "",
        "[1](see the",
        " receipt",
    ]


def test_a_bracket_that_never_closes_does_not_hold_up_what_follows() -> None:
    sieve = citations.Sieve(2)
    assert sieve.pass_on("[" + "1, " * 30) + sieve.pass_on("and on") == "[" + "1, " * 30 + "and on"


def test_the_sieve_costs_a_piece_next_to_nothing() -> None:
    """It looks once at what arrives, a frame at a time: a million characters without a marker are passed on as they are."""
    text = "word " * 200_000
    assert citations.Sieve(2).pass_on(text) is text
