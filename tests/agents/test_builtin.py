import re
from collections.abc import Sequence

import pytest

from apps.agents import smalltalk
from apps.agents.embedders import catalogue
from apps.agents.expectations import expected
from apps.agents.followups import in_context
from apps.agents.providers import builtin
from apps.agents.providers.base import Handoff, Prompt, Source, Turn, Usage
from apps.agents.providers.catalogue import NOWHERE
from apps.agents.relatedness import Line
from apps.agents.sentences import led, sentences

REFUSAL = "I do not know that."
RETURNS = """How long you have:
You have 30 days to return something you bought from us. The 30 days start on the day your parcel arrives. Sale items can be returned within 14 days.
Who pays:
Returns from the United Kingdom are free. From every other country you pay the return postage yourself."""
DELIVERY = """Orders placed before 14:00 leave on the same day.
Where to: United Kingdom; Delivery time: 2–3 working days; Cost: £3.95
Where to: Ireland; Delivery time: 3–5 working days; Cost: £6.95
Can I track my parcel?
Yes, with the link that we send you by e-mail."""
DEPOT = "The Zanzibar depot opens at 07:43 on Sunday. It was painted blue in spring."


def prompt(question: str, *texts: str, history: Sequence[Turn] = ()) -> Prompt:
    asked = in_context(question, earlier=[turn.request for turn in history])
    sources = tuple(
        Source(number, "Help", text, 0.7, judged(asked, text)) for number, text in enumerate(texts, start=1)
    )
    return Prompt("", 0.0, "", tuple(history), question, sources, REFUSAL)


def judged(question: str, text: str) -> tuple[Line, ...]:
    """The sentences as a search judges them."""
    told = list(led(text))
    vectors = catalogue.load("minilm").embed([question, *(f"{lead} {line}".strip() for lead, line in told)])
    cosines = (sum(a * b for a, b in zip(vectors[0], one, strict=True)) for one in vectors[1:])
    return tuple(Line(line, cosine) for (_, line), cosine in zip(told, cosines, strict=True))


async def pieces_of(asked: Prompt) -> list[str | Usage | Handoff]:
    return [piece async for piece in builtin.Builtin(NOWHERE).stream(asked)]


async def answer(asked: Prompt) -> str:
    return "".join(piece for piece in await pieces_of(asked) if isinstance(piece, str))


def quotes(text: str) -> list[tuple[str, int]]:
    return [(quote, int(number)) for quote, number in re.findall(r"(.+?) \[(\d+)\](?: |$)", text)]


async def test_the_demo_question_is_answered_with_two_quotes_and_their_citations() -> None:
    text = await answer(prompt("How long do I have to return something?", RETURNS, DELIVERY, DEPOT))
    assert text.startswith("You have 30 days to return something you bought from us. [1] ")
    assert len(quotes(text)) == 2


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("when does the zanzibar depot open", "The Zanzibar depot opens at 07:43 on Sunday. [3]"),
        (
            "WHO PAYS THE POSTAGE OF A RETURN?",
            "From every other country you pay the return postage yourself. [1]",
        ),
        (
            "How much is delivery to Ireland?",
            "Where to: Ireland; Delivery time: 3–5 working days; Cost: £6.95 [2]",
        ),
        ("Can I track my parcel?", "Yes, with the link that we send you by e-mail. [2]"),
    ],
)
async def test_the_right_sentence_is_quoted_from_the_right_source(question: str, expected: str) -> None:
    assert (await answer(prompt(question, RETURNS, DELIVERY, DEPOT))).startswith(expected)


async def test_every_quote_is_a_whole_sentence_of_the_source_it_cites() -> None:
    texts = (RETURNS, DELIVERY, DEPOT)
    for question in (
        "What about sale items?",
        "Do I pay for the return?",
        "How long is delivery?",
        "zanzibar",
    ):
        for quote, number in quotes(await answer(prompt(question, *texts))):
            assert quote in sentences(texts[number - 1])


async def test_without_sources_the_honest_answer_is_the_refusal() -> None:
    assert await answer(prompt("How long do I have to return something?")) == REFUSAL


async def test_headings_and_questions_are_never_the_answer() -> None:
    text = await answer(prompt("Can I track my parcel?", DELIVERY))
    assert not any(quote.endswith((":", "?")) for quote, _ in quotes(text))


async def test_a_sentence_that_carries_its_own_citation_marks_is_not_quoted() -> None:
    text = await answer(
        prompt("When does the depot open?", "The depot opens at nine [7]. The depot opens late.")
    )
    assert text == "The depot opens late. [1]"


async def test_the_same_sentence_is_not_said_twice() -> None:
    assert len(quotes(await answer(prompt("When does the depot open?", DEPOT, DEPOT)))) == 1


async def test_a_follow_up_is_read_with_the_question_before_it() -> None:
    before = [Turn("How much is delivery to the United Kingdom?", "£3.95 [1]")]
    text = await answer(prompt("And to Ireland?", DELIVERY, history=before))
    assert "Ireland" in text.split("[1]")[0]


async def test_words_come_one_by_one_and_the_usage_last() -> None:
    pieces = await pieces_of(prompt("How long do I have to return something?", RETURNS, DELIVERY))
    words, usage = pieces[:-1], pieces[-1]
    assert isinstance(usage, Usage)
    assert all(isinstance(word, str) and len(word.split()) == 1 for word in words)
    assert usage.output_tokens == len(words)
    assert usage.input_tokens > len(RETURNS.split())


async def test_an_answer_nobody_waits_for_can_be_left() -> None:
    stream = builtin.Builtin(NOWHERE).stream(
        prompt("How long do I have to return something?", RETURNS, DELIVERY)
    )
    assert await anext(stream) == "You"
    await stream.aclose()
    assert await answer(prompt("When does the depot open?", DEPOT))


@pytest.mark.parametrize("said", ["Hello", "hi!", "Good morning", "Thanks a lot!", "thank you", "Bye", "Who are you?", "are you a bot?"])  # fmt: skip
async def test_a_greeting_is_answered_in_kind_and_cites_nothing(said: str) -> None:
    text = await answer(prompt(said, RETURNS))
    assert text == smalltalk.reply(said)
    assert "[" not in text


@pytest.mark.parametrize("said", ["Hello, how long do I have to return something?", "thanks for what?", "Who are your carriers?", ""])  # fmt: skip
def test_a_question_is_no_small_talk(said: str) -> None:
    assert smalltalk.reply(said) is None


@pytest.mark.parametrize("said", ["Can I talk to a human?", "I'd like to speak with a real person, please.", "human please", "Is there somebody I can talk to?", "Could you put me through to your team", "I want to talk to someone about my order."])  # fmt: skip
async def test_who_plainly_asks_for_a_person_is_handed_over(said: str) -> None:
    pieces = await pieces_of(prompt(said, RETURNS))
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == smalltalk.PERSON
    assert [type(piece) for piece in pieces[-2:]] == [Handoff, Usage]


@pytest.mark.parametrize("said", ["Are you a human?", "Who do I talk to about returns?", "Can a person return worn boots?", "Can I talk to a human rights lawyer?", "How long do I have to return something?"])  # fmt: skip
async def test_a_question_that_mentions_people_is_not_handed_over(said: str) -> None:
    assert not any(isinstance(piece, Handoff) for piece in await pieces_of(prompt(said, RETURNS)))


def test_pieces_of_a_text_are_the_text() -> None:
    for text in ("Two words.", " leading and  double ", "", "one", "line\nbreak "):
        assert "".join(builtin.pieces(text)) == text


def test_a_question_for_a_number_prefers_a_sentence_with_one() -> None:
    assert expected("How many days do I have?", "You have 30 days.") == 1
    assert expected("How many days do I have?", "You have some days.") == -1
    assert expected("When do you open?", "We open on Sunday.") == 1
    assert expected("Who runs the shop?", "It is run by Ruth Calder.") == 1
    assert expected("Can I return boots?", "Boots can be returned.") == 0


def test_a_number_that_the_question_has_itself_is_no_answer() -> None:
    assert expected("How many of the 30 days are left?", "You have 30 days.") == -1
    assert expected("How many of the 30 days are left?", "Of 30 days 12 are left.") == 1


def unjudged(question: str, text: str) -> str:
    source = Source(1, "Help", text, 0.5)
    return builtin.answer(Prompt("", 0.0, "", (), question, (source,), REFUSAL))


def test_sentences_that_nobody_has_judged_are_quoted_too() -> None:
    told = unjudged("When does the depot open?", f"Opening hours:\n{DEPOT}")
    assert told.startswith("The Zanzibar depot opens at 07:43 on Sunday.")


def test_forms_of_a_word_that_no_stem_makes_one_are_recognized() -> None:
    told = unjudged(
        "Were travellers tolerated?", "Travellers lived in the valley. Travellers enjoyed toleration."
    )
    assert told.startswith("Travellers enjoyed toleration.")


def test_a_word_that_all_sentences_have_tells_none_of_them_apart() -> None:
    told = unjudged(
        "Jacket zipper?", "The jacket is warm. The jacket is long. The jacket is blue. The zipper is brass."
    )
    assert told.startswith("The zipper is brass.")


def test_a_sentence_that_points_back_is_read_with_the_one_before_it() -> None:
    told = unjudged(
        "What was the depot painted with?",
        "Paul saw rain. The depot was painted in spring. It took lime. Paul took care.",
    )
    assert [quote for quote, _ in quotes(told)][1] == "It took lime."
