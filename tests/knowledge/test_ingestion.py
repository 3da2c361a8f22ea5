"""Reading in: by one worker at a time, and nothing is left of what was removed meanwhile."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.knowledge import index, ingestion, library, reconciliation
from apps.knowledge.models import Document, Knowledge, Passage, Sentence
from tests.world import House


def test_only_one_worker_gets_to_begin(acme: House) -> None:
    with acme.scope():
        source = library.add("Depots", content="The depot is green.")
        assert source.begin() is True
        assert Knowledge.objects.get().begin() is False


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
        passages = list(Passage.objects.all())
        library.remove(source)
        Passage.objects.bulk_create(passages)  # as a crash between the databases would have left them
        assert reconciliation.forget_removed() == 1
        assert not Passage.objects.exists()


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
