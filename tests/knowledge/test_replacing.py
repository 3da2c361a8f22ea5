"""A document gets another text, or another name: under its id, for its agents, and without a moment in which neither answers."""

from typing import Any

import pytest

from apps.knowledge import changes, drafts, ingestion, library, quota
from apps.knowledge.models import Document, Knowledge, Passage, Upload
from tests.knowledge.website import Website, again, read, shop, texts
from tests.world import House

OLD, NEW = "The Lima depot is green.", "The Lima depot is white."


def test_another_text_takes_the_place_of_the_first_once_it_is_read(
    inside: House, embedded: list[str]
) -> None:
    source = read(library.add("Depots", content=f"{OLD}\n\nIt opens at nine.", agents=[inside.agent.id]))
    library.replace(source, content=f"{NEW}\n\nIt opens at nine.")
    assert (source.status, OLD in texts(source)) == ("waiting", True)
    read(source)
    assert (source.status, list(source.agents.all())) == ("ready", [inside.agent])
    assert NEW in texts(source)
    assert OLD not in texts(source)
    told = [(line.sign, line.text) for line in changes.of(Document.objects.get())]
    assert [line for line in told if line[0] != " "] == [("-", OLD), ("+", NEW)]
    embedded.clear()
    again(source)
    assert embedded == []


def test_a_file_takes_the_place_of_a_text_and_a_text_that_of_a_file(inside: House) -> None:
    source = read(library.add("Depots", content=OLD))
    library.replace(source, file=library.File("depots.txt", NEW.encode()))
    assert (read(source).content, NEW in texts(source)) == ("", True)
    library.replace(source, content=OLD)
    assert (read(source).status, OLD in texts(source)) == ("ready", True)
    assert not Upload.objects.exists()


def test_a_document_that_could_not_be_read_gets_one_that_can(inside: House) -> None:
    source = read(library.add("Depots", file=library.File("depots.pdf", b"no pdf")))
    assert source.status == "failed"
    library.replace(source, file=library.File("depots.txt", NEW.encode()))
    assert (read(source).status, read(source).failure) == ("ready", "")
    assert Document.objects.get().failure == ""


def test_what_is_being_read_is_not_replaced_under_its_reader(inside: House) -> None:
    source = library.add("Depots", content=OLD)
    assert source.begin()
    with pytest.raises(library.Unreplaceable, match="It is being read just now"):
        library.replace(source, content=NEW)
    assert Knowledge.objects.get().content == OLD


def test_a_reader_that_is_about_to_begin_reads_what_is_there_by_then(
    inside: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, begin = library.add("Depots", content=OLD), Knowledge.begin

    def replace_before(about_to_begin: Knowledge) -> bool:
        library.replace(source, content=NEW)
        return begin(about_to_begin)

    monkeypatch.setattr(Knowledge, "begin", replace_before)
    ingestion.read_in(source.id)
    assert texts(source) == NEW


def test_only_what_is_more_than_before_has_to_fit(inside: House, settings: Any) -> None:
    settings.MAX_KNOWLEDGE_MB, settings.MAX_SOURCES = 1, 1
    source = read(library.add("Depots", file=library.File("a.txt", b"green " * 130_000)))
    library.replace(source, file=library.File("a.txt", b"white " * 130_000))
    with pytest.raises(quota.BadSource, match="are full"):
        library.replace(source, file=library.File("a.txt", b"white " * 180_000))
    assert bytes(Upload.objects.get().data).startswith(b"white")


def test_a_website_has_no_text_to_replace(inside: House, site: Website) -> None:
    shop(site)
    source = library.add_website(site.url)
    with pytest.raises(quota.BadSource, match="A website has no text"):
        library.replace(source, content=NEW)


def test_another_name_stands_in_citations_at_once_and_is_no_change_of_the_text(
    inside: House, embedded: list[str]
) -> None:
    source = read(library.add("Depots", content=OLD))
    embedded.clear()
    library.change(source, name="Our depots")
    assert set(Passage.objects.values_list("title", flat=True)) == {"Our depots"}
    again(source)
    assert set(Passage.objects.values_list("title", flat=True)) == {"Our depots"}
    assert (Document.objects.get().changed_at, embedded) == (None, [])


def test_a_name_that_is_changed_while_it_is_read_is_the_one_it_ends_with(
    inside: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, write = library.add("Depots", content=OLD), drafts.write

    def rename_after(*given: Any) -> bool:
        is_written = write(*given)
        library.change(source, name="Our depots")
        return is_written

    monkeypatch.setattr(drafts, "write", rename_after)
    ingestion.read_in(source.id)
    assert Passage.objects.get().title == "Our depots"


def test_a_websites_name_is_no_name_of_its_pages(inside: House, site: Website) -> None:
    shop(site)
    site.pages["/help/1"] = "<html><body><p>Tents without a title.</p></body></html>"
    source = read(library.add_website(site.url))
    library.change(source, name="Our shop")
    titles = dict(Passage.objects.values_list("url", "title"))
    assert titles[f"{site.url}/help/1"] == "Our shop"
    assert titles[f"{site.url}/help/2"] == "Depot 2"
