import pytest

from apps.agents.sentences import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("You have 30 days. They start today.", ["You have 30 days.", "They start today."]),
        ("The depot opens at 07:43 on Sunday. Bring a hat!", ["The depot opens at 07:43 on Sunday.", "Bring a hat!"]),
        ("It costs £3.95. Postage is 1.50 more.", ["It costs £3.95.", "Postage is 1.50 more."]),
        ("Mr. Smith and Dr. Jones left.", ["Mr. Smith and Dr. Jones left."]),
        ("Bring things, e.g. Boots, i.e. Shoes.", ["Bring things, e.g. Boots, i.e. Shoes."]),
        ("We close at 6 p.m. on Friday.", ["We close at 6 p.m. on Friday."]),
        ("We close at 6 p.m. The depot does not.", ["We close at 6 p.m.", "The depot does not."]),
        ("Take No. 5 home. The answer is no. We know.", ["Take No. 5 home.", "The answer is no.", "We know."]),
        ("J. K. Rowling wrote it. He came.", ["J. K. Rowling wrote it.", "He came."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("See fernhill.example/returns. Version 2.0 is out.", ["See fernhill.example/returns.", "Version 2.0 is out."]),
        ("Wait... What? Yes!", ["Wait...", "What?", "Yes!"]),
        ("- a tent\n- a bag. A good one.", ["a tent", "a bag.", "A good one."]),
        ("1. Open the door. Go in.\n2. Sit down.", ["1. Open the door.", "Go in.", "2. Sit down."]),
        ("Day: Sunday; Hours: 11:00–16:00\nDay: Monday; Hours: none", ["Day: Sunday; Hours: 11:00–16:00", "Day: Monday; Hours: none"]),
        ("周一开门。周二关门！", ["周一开门。", "周二关门！"]),
        ("", []),
        (" \n\t\n", []),
    ],
)  # fmt: skip
def test_text_is_cut_where_a_reader_would_stop(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_sentences_are_verbatim_and_lose_no_word() -> None:
    text = "Prices (incl. VAT) are in £. We ship to the U.K. and the E.U. only! Is that all? Yes.\n• More (later.) Now."
    found = sentences(text)
    assert all(sentence in text for sentence in found)
    assert " ".join(found).split() == [word for word in text.split() if word != "•"]
