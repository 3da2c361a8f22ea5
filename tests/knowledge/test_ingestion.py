"""Reading in: by one worker at a time, and nothing is left of what was removed meanwhile."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError, current_thread
from threading import enumerate as enumerate_threads
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from apps.knowledge import aside, index, ingestion, library, pulse, reconciliation
from apps.knowledge.models import Document, Knowledge, Passage, Seen, Sentence, Term
from apps.knowledge.turns import Endless, Turn
from tests.world import House


def test_only_one_worker_gets_to_begin(acme: House) -> None:
    with acme.scope():
        source = library.add("Depots", content="The depot is green.")
        assert source.begin() is True
        assert Knowledge.objects.get().begin() is False


def test_of_many_workers_at_once_one_begins(houses: tuple[House, House]) -> None:
    acme, _ = houses
    with acme.scope():
        source = Knowledge.objects.create(name="Depots", content="The depot is green.")

    def begins(_: int) -> bool:
        with acme.scope():
            try:
                return source.begin()
            finally:
                connections.close_all()

    with ThreadPoolExecutor(6) as workers:
        assert sum(workers.map(begins, range(24))) == 1


class Once(Endless):
    """A turn that is over after each step."""

    def is_over(self) -> bool:
        return True


@pytest.mark.parametrize("turn", [Endless(), Once()], ids=["to the end", "as far as the draft"])
def test_a_reader_that_was_taken_for_dead_and_goes_on_doubles_nothing(
    acme: House, monkeypatch: pytest.MonkeyPatch, turn: Turn
) -> None:
    """It stood still for minutes, and another took its place."""
    prepared = index.prepared

    def meanwhile(rows: list[Passage]) -> list[index.Entry]:
        monkeypatch.setattr(index, "prepared", prepared)
        mine = prepared(rows)
        Knowledge.objects.update(status="waiting")
        ingestion.read_in(Knowledge.objects.get().id, turn)
        return mine

    monkeypatch.setattr(index, "prepared", meanwhile)
    with acme.scope():
        source = library.add("Depots", content="The depot is green.")
        ingestion.read_in(source.id)
        while Knowledge.objects.get().status == "waiting":
            ingestion.read_in(source.id)
        assert Passage.objects.get().knowledge_id == source.id
        assert Sentence.objects.count() == 1
        assert Term.objects.filter(lexeme="green").count() == 1
        assert Knowledge.objects.get().passages == 1


def test_what_was_removed_while_it_was_read_leaves_no_passages(
    acme: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = index.prepared

    def remove_meanwhile(rows: list[Passage]) -> list[index.Entry]:
        library.remove(Knowledge.objects.get())
        return prepared(rows)

    monkeypatch.setattr(index, "prepared", remove_meanwhile)
    with acme.scope():
        ingestion.read_in(library.add("Depots", content="The depot is green.").id)
        assert not Passage.objects.exists()


BOOK = "\n\n".join(f"# Depot {n}\n\n" + f"Depot {n} is painted green. " * 60 for n in range(40))


@pytest.mark.parametrize("is_parsed", [False, True], ids=["parsing", "embedding"])
def test_whoever_reads_what_was_removed_stops_and_says_nothing(
    acme: House,
    monkeypatch: pytest.MonkeyPatch,
    embedded: list[str],
    caplog: pytest.LogCaptureFixture,
    is_parsed: bool,
) -> None:
    with acme.scope():
        source = library.add("Depots", content=BOOK)
        place, name = (index, "prepared") if is_parsed else (aside, "_done")
        step, begun = getattr(place, name), []

        def remove_meanwhile(*given: Any) -> Any:
            begun.append(given)
            library.remove(Knowledge.objects.get())
            return step(*given)

        monkeypatch.setattr(place, name, remove_meanwhile)
        monkeypatch.setattr(aside, "PATIENCE", 0.0)
        ingestion.read_in(source.id)
        assert len(begun) == 1, "no other batch was begun"
        assert bool(embedded) == is_parsed
        assert not Passage.objects.exists()
    assert caplog.records == []


@pytest.fixture
def alive(houses: tuple[House, House], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A tenant that other connections see, whose readers beat fast."""
    monkeypatch.setattr(pulse, "BEAT", 0.01)
    yield houses[0]
    for thread in enumerate_threads():
        if thread.name == "pulse":
            thread.join(60)


def test_a_reader_gives_signs_of_life_however_long_a_step_takes(
    alive: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats = Barrier(2)
    show_life = Knowledge.show_life

    def tell(source: Knowledge) -> None:
        show_life(source)
        if current_thread().name == "pulse":
            with suppress(BrokenBarrierError):
                beats.wait(60)

    prepared = index.prepared

    def wait_for_beats(rows: list[Passage]) -> list[index.Entry]:
        began = timezone.now()
        beats.wait(60)
        beats.wait(60)
        assert Knowledge.objects.get().updated_at > began
        beats.abort()
        return prepared(rows)

    monkeypatch.setattr(Knowledge, "show_life", tell)
    monkeypatch.setattr(index, "prepared", wait_for_beats)
    with alive.scope():
        source = library.add("Depots", content="The depot is green.")
        ingestion.read_in(source.id)
        assert Knowledge.objects.get().status == "ready"


def test_a_sign_of_life_that_waits_for_its_readers_transaction_is_not_waited_for(alive: House) -> None:
    with alive.scope():
        source = library.add("Depots", content="The depot is green.")
        with transaction.atomic():
            ingestion.read_in(source.id)
        assert Knowledge.objects.get().status == "ready"


def test_what_a_dead_worker_left_is_read_again_and_parked_after_three_times(acme: House) -> None:
    with acme.scope():
        source = library.add("Depots", content="The depot is green.")
        for _ in range(ingestion.MAX_ATTEMPTS):
            source.begin()
            soon = timezone.now() + timedelta(seconds=1)
            is_waiting = ingestion.resume(working_since=soon)
        assert not is_waiting
        source.refresh_from_db()
        assert source.status == "failed"
        assert "three times" in source.failure


def test_passages_without_a_source_are_swept(acme: House) -> None:
    source = acme.knows("The depot is green.")
    with acme.scope():
        passages, sights = list(Passage.objects.all()), list(Seen.objects.all())
        library.remove(source)
        Passage.objects.bulk_create(passages)  # as a crash between the databases would have left them
        Seen.objects.bulk_create(sights)
        assert reconciliation.forget_removed() == 1
        assert not Passage.objects.exists()
        assert sights
        assert not Seen.objects.exists()


def test_passages_without_their_document_are_swept_and_no_others(acme: House, globex: House) -> None:
    kept, theirs = acme.knows("The depot is green."), globex.knows("The depot is blue.")
    torn = acme.knows("The depot is red.", name="Torn")
    with acme.scope():
        Document.objects.filter(
            knowledge=torn
        ).delete()  # as a crash between the databases would have left it
        assert reconciliation.forget_removed() == 1
        assert reconciliation.forget_removed() == 0
        assert Passage.objects.get().knowledge_id == kept.id
        assert not Sentence.objects.exclude(passage__knowledge_id=kept.id).exists()
    with globex.scope():
        assert Passage.objects.get().knowledge_id == theirs.id


def test_passages_that_a_restored_backup_does_not_have_are_made_again(acme: House, globex: House) -> None:
    """Of what is there nothing is embedded again, and others' sources are left alone."""
    lost, kept = acme.knows("The depot is green."), acme.knows("The shop is red.", name="Kept")
    globex.knows("The depot is blue.")
    with acme.scope():
        assert reconciliation.recover_lost() == 0
        index.remove(Passage.objects.filter(knowledge_id=lost.id))
        ids = set(Passage.objects.values_list("id", flat=True))
        assert reconciliation.recover_lost() == 1
        assert set(Knowledge.objects.filter(status="waiting").values_list("id", flat=True)) == {lost.id}
        ingestion.read_in(lost.id)
        assert Passage.objects.get(knowledge_id=lost.id).text == "The depot is green."
        assert ids == set(Passage.objects.filter(knowledge_id=kept.id).values_list("id", flat=True))
        assert reconciliation.recover_lost() == 0
