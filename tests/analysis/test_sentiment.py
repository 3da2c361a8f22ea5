from apps.analysis import sentiment


def test_a_happy_message_is_positive_because_of_its_happy_words() -> None:
    verdict = sentiment.judge("Great shop, I love my new tent!")
    assert (verdict.sentiment, verdict.cause) == ("positive", "love, Great")
    assert 0.05 < verdict.score <= 1


def test_an_angry_message_names_what_made_it_negative() -> None:
    verdict = sentiment.judge("This is terrible, my boots arrived broken.")
    assert verdict.sentiment == "negative"
    assert set(verdict.cause.split(", ")) == {"terrible", "broken"}


def test_negation_belongs_to_the_cause() -> None:
    verdict = sentiment.judge("The staff were not helpful")
    assert verdict.sentiment == "negative"
    assert verdict.cause == "not helpful"


def test_a_plain_question_is_neutral_and_says_so() -> None:
    assert sentiment.judge("When do you open?") == sentiment.Verdict("neutral", 0.0, "no charged words")


def test_an_emoji_alone_can_decide() -> None:
    verdict = sentiment.judge("😭")
    assert (verdict.sentiment, verdict.cause) == ("negative", "😭")


def test_a_very_long_message_is_judged() -> None:
    assert sentiment.judge("awful " * 800).sentiment == "negative"
