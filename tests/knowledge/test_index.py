"""The index: written and removed whole, counted by PostgreSQL's own lexemes, in the language of each passage."""

import uuid

import pytest
from django.db import connections

from apps.knowledge import index, language
from apps.knowledge.models import Passage, Sentence, Term
from tests.world import House

GERMAN = (
    "Die Rückgabe ist innerhalb von dreißig Tagen möglich. Die Kosten der Rücksendung übernehmen wir. "
    "Das Geld wird innerhalb einer Woche auf dasselbe Konto überwiesen."
)
ENGLISH = (
    "Returns are accepted for thirty days after delivery. We pay for the return parcel, "
    "and the money goes back to the account that it came from within a week."
)


def passage(text: str, *, source: uuid.UUID, position: int = 0, heading: str = "") -> Passage:
    return Passage(knowledge_id=source, position=position, title="Help", heading=heading, text=text)


def write(*texts: str, source: uuid.UUID) -> None:
    rows = [passage(text, source=source, position=position) for position, text in enumerate(texts)]
    index.swap(index.prepared(rows), instead_of=Passage.objects.filter(knowledge_id=source))


def test_each_lexeme_is_counted_with_the_sentences_it_stands_in(acme: House) -> None:
    source = uuid.uuid4()
    with acme.scope():
        rows = [passage("Parcels return. A parcel returns twice.", source=source, heading="Return policy")]
        index.swap(index.prepared(rows), instead_of=Passage.objects.none())
        places = dict(Term.objects.values_list("lexeme", "places"))
    assert places == {
        "return": [Term.HEADING, 0, 1],
        "parcel": [0, 1],
        "polici": [Term.HEADING],
        "twice": [1],
    }


def test_a_swap_leaves_nothing_of_what_was_there(acme: House) -> None:
    source, other = uuid.uuid4(), uuid.uuid4()
    with acme.scope():
        write("The depot is green.", source=other)
        write("The depot is green. It opens at nine.", "It is by the sea.", source=source)
        write("The depot is blue.", source=source)
        assert list(Passage.objects.filter(knowledge_id=source).values_list("text", flat=True)) == [
            "The depot is blue."
        ]
        assert Sentence.objects.filter(passage__knowledge_id=source).count() == 1
        assert set(Term.objects.filter(knowledge_id=source).values_list("lexeme", flat=True)) == {
            "depot",
            "blue",
        }
        assert Passage.objects.filter(knowledge_id=other).exists()


def test_a_swap_that_fails_leaves_the_old(acme: House) -> None:
    source = uuid.uuid4()
    with acme.scope():
        write("The depot is green.", source=source)
        entries = index.prepared([passage("The depot is blue.", source=source)])
        entries[0].passage.language = "klingon"  # which PostgreSQL cannot cut
        with pytest.raises(Exception, match="klingon"):
            index.swap(entries, instead_of=Passage.objects.filter(knowledge_id=source))
        assert Passage.objects.get().text == "The depot is green."
        assert Term.objects.filter(lexeme="green").exists()


def test_nothing_of_a_removed_source_is_left(acme: House) -> None:
    source = acme.knows("The depot is green. It opens at nine.")
    with acme.scope():
        assert index.remove(Passage.objects.filter(knowledge_id=source.id)) == 1
        assert not any(model.objects.exists() for model in (Passage, Sentence, Term))


def test_what_was_written_before_there_was_an_index_is_completed(acme: House) -> None:
    source = acme.knows(ENGLISH)
    with acme.scope():
        Sentence.objects.all().delete()
        Term.objects.all().delete()
        Passage.objects.update(language="", length=0)
        before = Passage.objects.values_list("id", flat=True)[0]
        assert index.complete() == 1
        assert (index.complete(), Passage.objects.get().id) == (0, before)
        assert Passage.objects.get().language == "english"
        assert Sentence.objects.count() == 2
        assert Term.objects.filter(knowledge_id=source.id, lexeme="return", places=[0, 1]).exists()


def test_what_was_read_anew_while_it_was_completed_stays_so(
    acme: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, prepared = uuid.uuid4(), index.prepared
    with acme.scope():
        write("The depot is green.", source=source)
        Passage.objects.update(language="")
        swapped = index.prepared([passage("The depot is blue.", source=source)])

        def meanwhile(rows: list[Passage]) -> list[index.Entry]:
            index.swap(swapped, instead_of=Passage.objects.filter(knowledge_id=source))
            return prepared(rows)

        monkeypatch.setattr(index, "prepared", meanwhile)
        assert index.complete() == 0
        assert Passage.objects.get().text == "The depot is blue."


@pytest.mark.parametrize(("text", "configuration"), [(GERMAN, "german"), (ENGLISH, "english")])
def test_a_passage_has_the_configuration_of_its_language(text: str, configuration: str) -> None:
    assert language.configurations([text]) == [configuration]


def test_a_piece_too_short_to_tell_has_the_language_of_its_document() -> None:
    assert language.configurations([GERMAN, "Preis: 3,95"]) == ["german", "german"]
    assert language.configurations([GERMAN, ENGLISH]) == ["german", "english"]


@pytest.mark.parametrize("text", ["", "12.50 – 14.00", "🙂🙂🙂"])
def test_a_text_without_words_has_some_configuration(text: str) -> None:
    assert language.configurations([text]) == [language.UNSURE]


def test_every_configuration_is_known_to_postgresql(acme: House) -> None:
    named = {*language.CONFIGURATIONS.values(), language.OTHER, language.UNSURE}
    with connections["vectors"].cursor() as cursor:
        cursor.execute("SELECT cfgname FROM pg_ts_config")
        assert named <= {name for (name,) in cursor.fetchall()}
