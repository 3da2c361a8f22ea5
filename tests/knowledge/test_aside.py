"""Documents that take long: others are read meanwhile, and nothing that was begun is begun anew."""

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from apps.knowledge import aside, contained, ingestion, library
from apps.knowledge.models import Document, Knowledge, Upload
from apps.knowledge.models import Website as Row
from apps.knowledge.turns import Endless
from tests.knowledge.website import Website, read, states
from tests.world import House

SLOW = b"<p>The depot opens at seven.</p>" + b"<i> </i>" * 40_000


class Awaited(Endless):
    """A turn for which somebody else waits."""

    def is_awaited(self) -> bool:
        return True

    def is_over(self) -> bool:
        return True


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[contained.Parser]]:
    """Each parser that is begun. None is waited for, and each stands still when it is left, until the test lets it go on."""
    found: list[contained.Parser] = []

    class Watched(contained.Parser):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            found.append(self)

        def stand_back(self) -> None:
            super().stand_back()
            os.kill(self._pid, signal.SIGSTOP)

    monkeypatch.setattr(aside, "Parser", Watched)
    monkeypatch.setattr(aside, "PATIENCE", 0.0)
    monkeypatch.setattr(contained, "LOWEST", os.getpriority(os.PRIO_PROCESS, 0))
    yield found
    for _, parser in list(aside._left.values()):
        parser.end()
    aside._left.clear()


def added(content: bytes, name: str = "slow.html") -> Knowledge:
    source = Knowledge.objects.create(name="Depots")
    Upload.objects.create(knowledge=source, filename=name, data=content)
    return source


def status(source: Knowledge) -> str:
    return Knowledge.objects.get(id=source.id).status


def test_another_is_read_while_a_document_takes_long_and_it_is_begun_once(
    acme: House, globex: House, begun: list[contained.Parser]
) -> None:
    with acme.scope():
        slow, after = added(SLOW), added(b"The depot is green.", "next.md")
        assert ingestion.read_next(Awaited()), "its turn is over, and there is more for another"
        assert (status(slow), status(after)) == ("waiting", "waiting")
    with globex.scope():
        other = added(b"The depot is green.", "other.md")
        ingestion.read_in(other.id)
        assert status(other) == "ready"
    with acme.scope():
        assert status(slow) == "waiting"
        os.kill(begun[0]._pid, signal.SIGCONT)
        assert not ingestion.read_next(Endless())
        assert (status(slow), status(after)) == ("ready", "ready")
    assert len(begun) == 3


def test_a_page_that_takes_long_is_begun_once_too(
    inside: House, site: Website, begun: list[contained.Parser]
) -> None:
    site.pages["/"] = SLOW.decode()
    source = library.add_website(site.url)
    while not begun:
        ingestion.read_in(source.id, Awaited())
    assert (status(source), states(source)) == ("waiting", {"/": ("waiting", "")})
    os.kill(begun[0]._pid, signal.SIGCONT)
    assert read(source).status == "ready"
    assert len(begun) == 1


def test_a_page_that_drips_keeps_nobody_waiting_and_is_asked_for_once(
    inside: House, globex: House, site: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    class Dripping(dict[str, Any]):
        def get(self, path: str, default: Any = None) -> Any:
            if path == "/drips":
                assert released.wait(30)
            return super().get(path, default)

    monkeypatch.setattr(aside, "PATIENCE", 0.01)
    site.page("/", "This shop sells tents.", "/drips")
    site.page("/drips", "Its tents are green.")
    site.pages = Dripping(site.pages)
    source = library.add_website(site.url)
    while not site.asked["/drips"]:
        ingestion.read_in(source.id, Awaited())
    with globex.scope():
        other = added(b"The depot is green.", "other.md")
        ingestion.read_in(other.id)
        assert status(other) == "ready"
    assert status(source) == "waiting"
    released.set()
    assert read(source).status == "ready"
    assert states(source) == {"/": ("ready", ""), "/drips": ("ready", "")}
    assert site.asked["/drips"] == 1


def test_a_site_that_asks_for_pauses_has_them_in_turns_of_others(inside: House, site: Website) -> None:
    site.pages["/robots.txt"] = (200, "User-agent: *\nCrawl-delay: 10", {})
    site.page("/", "This shop sells tents.", "/help")
    source = library.add_website(site.url, scope="crawl")
    while states(source).get("/", ("waiting", ""))[0] == "waiting":
        ingestion.read_in(source.id, Awaited())
    row = Row.objects.get(knowledge=source)
    assert row.rests_until is not None
    assert row.rests_until > timezone.now()
    assert not ingestion.is_awaited(), "it wants no turn before that"
    assert site.asked["/help"] == 0


def test_who_finds_no_room_beside_others_is_waited_for(
    acme: House, begun: list[contained.Parser], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(aside.MOST, "parser", 0)
    with acme.scope():
        source = added(SLOW)
        ingestion.read_in(source.id, Awaited())
        assert Document.objects.get(knowledge=source).status == "ready"


def test_a_parser_that_nobody_asks_for_again_is_ended(
    acme: House, globex: House, begun: list[contained.Parser], monkeypatch: pytest.MonkeyPatch
) -> None:
    with acme.scope():
        source = added(SLOW)
        ingestion.read_in(source.id, Awaited())
        library.remove(source)
        ingestion.read_in(added(b"The depot is green.", "other.md").id)
    assert not aside._left, "it belonged to what was removed"
    monkeypatch.setattr(contained, "LONGER", 0)
    with acme.scope():
        ingestion.read_in(added(SLOW).id, Awaited())
    with globex.scope():
        ingestion.read_in(added(b"The depot is green.", "other.md").id)
    assert not aside._left, "its time was over"


def test_one_that_stands_still_for_ever_ends_with_a_reason(
    acme: House, begun: list[contained.Parser], monkeypatch: pytest.MonkeyPatch
) -> None:
    with acme.scope():
        source = added(SLOW)
        ingestion.read_in(source.id, Awaited())
        monkeypatch.setattr(begun[0], "_until", 0.0)
        ingestion.read_in(source.id, Awaited())
        source.refresh_from_db()
        assert (source.status, source.failure) == ("failed", contained.SLOW)
