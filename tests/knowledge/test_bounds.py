"""Bounds that no other test meets: each is reached here, and what is beyond it costs itself alone."""

import gzip
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from apps.knowledge import (
    aside,
    contained,
    crawl,
    ingestion,
    library,
    pdf,
    robots,
    sniff,
    tasks,
    turns,
    urlset,
)
from apps.knowledge.models import Document, Knowledge, Passage
from apps.knowledge.reading import web_page
from tests import internet
from tests.chats.test_prompts import INVISIBLE
from tests.knowledge import hostile
from tests.knowledge.test_partition import pdf as written
from tests.knowledge.website import Website, read, shop, states
from tests.services import ROOT
from tests.world import House

TOO_LARGE = "The document is too large when unpacked."


def test_a_website_whose_bytes_are_used_up_ends(
    inside: House, site: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop(site)
    monkeypatch.setattr(crawl, "MOST_BYTES", 0)
    source = read(library.add_website(site.url))
    assert states(source)["/"] == ("ready", "")
    assert {why for path, (_, why) in states(source).items() if path != "/"} == {
        "The time or size for one website was used up before this page."
    }
    assert set(site.asked) == {"/robots.txt", "/sitemap.xml", "/"}


def test_of_a_pages_many_links_some_are_looked_at(inside: House, site: Website) -> None:
    site.page("/", "This shop sells tents.", *(f"/{number}" for number in range(3000)))
    read(library.add_website(site.url, most_pages=1))
    assert len(Document.objects.get().links) == 1000


def test_a_sitemap_is_read_as_far_as_sitemaps_may_go() -> None:
    entries = b"<url><loc>https://shop.example/</loc></url>"
    pages, _ = urlset.addresses(b"<urlset>" + entries * (urlset.MOST + 1) + b"</urlset>")
    assert len(pages) == urlset.MOST
    packed = gzip.compress(b"<urlset>" + entries + b"</urlset>")
    assert urlset.addresses(packed) == (["https://shop.example/"], [])
    bomb = gzip.compress(b"<urlset>" + b" " * urlset.LARGEST + b"</urlset>")
    with pytest.raises(sniff.Unreadable, match="too large when unpacked"):
        urlset.addresses(bomb)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long a crawler would have waited, on a clock that goes only by that."""
    found: list[float] = []
    monkeypatch.setattr("apps.knowledge.robots.time.sleep", found.append)
    monkeypatch.setattr("apps.knowledge.robots.time.monotonic", lambda: 1000.0 + sum(found))
    return found


@pytest.mark.parametrize(("asked", "gap"), [("3", 3.0), ("1000000", robots.SLOWEST), ("soon", 0.0)])
def test_a_site_may_ask_for_a_pause_between_two_requests(
    inside: House, settings: Any, slept: list[float], asked: str, gap: float
) -> None:
    settings.LIMITS = {**settings.LIMITS, "crawl-host": (1000, 1)}
    rules = robots.Rules(f"User-agent: *\nCrawl-delay: {asked}")
    for _ in range(3):
        rules.wait("slow.example")
    assert [round(pause, 3) for pause in slept] == [0.0, gap, gap]


def test_a_host_is_asked_by_all_organisations_together(
    houses: tuple[House, House], settings: Any, slept: list[float]
) -> None:
    settings.LIMITS = {**settings.LIMITS, "crawl-host": (2, 3600)}
    host = f"{houses[0].tenant.slug}.example"
    for house, is_first in ((houses[0], True), (houses[0], True), (houses[1], False)):
        with house.scope():
            assert (robots._pause(host) == 0) is is_first


def test_sitemaps_are_asked_for_no_faster_than_pages(
    inside: House, site: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[str] = []
    monkeypatch.setattr(robots.Rules, "wait", lambda _, host: waited.append(host))
    index = "".join(f"<sitemap><loc>{site.url}/{n}.xml</loc></sitemap>" for n in range(3))
    site.pages["/sitemap.xml"] = (200, f"<sitemapindex>{index}</sitemapindex>", {})
    site.page("/", "This shop sells tents.")
    read(library.add_website(site.url))
    assert len(waited) == site.asked.total() - 1, "all but robots.txt, which says how fast"


def test_archives_are_refused_before_they_are_unpacked() -> None:
    for name, content in hostile.bombs():
        if name.startswith(("size", "count", "overlapping")):
            with pytest.raises(sniff.Unreadable) as refused:
                contained.run("document", name, content)
            assert str(refused.value) == TOO_LARGE, name


def test_a_pdf_of_too_many_pages_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MOST_PAGES", 2)
    assert pdf.elements(written("One.", "Two."))
    with pytest.raises(sniff.Unreadable, match="more than 2 pages"):
        pdf.elements(written("One.", "Two.", "Three."))


BOUNDED = """
import resource
from apps.knowledge import contained
contained._bound(64 * contained.MB, 5)
for kind in (resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
    print(*resource.getrlimit(kind))
print(resource.getrlimit(resource.RLIMIT_AS)[1] < 2**40)
"""


def test_a_parser_may_neither_fill_the_disk_nor_leave_its_memory_there() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    bounds = [tuple(line.split()) for line in done.stdout.splitlines()]
    most = str(contained.LARGEST_FILE)
    assert bounds == [("5", "10"), (most, most), ("0", "0"), ("True",)]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY, "ours are as before"


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Whoever parses what holds this word is killed as by the kernel; the children that were."""
    killed: list[int] = []

    class Poisoned(contained.Parser):
        def __init__(self, task: str, *arguments: Any) -> None:
            self._is_killed = any(b"POISON" in one for one in arguments if isinstance(one, bytes))
            super().__init__(task, *arguments)

        def _word(self, *, within: float) -> bytes:
            if self._is_killed:
                killed.append(self._pid)
                assert len(killed) < 10, "it is tried for ever"
                os.kill(self._pid, signal.SIGKILL)
            return super()._word(within=within)

    monkeypatch.setattr(aside, "Parser", Poisoned)
    return killed


def test_a_document_that_kills_its_parser_is_parked_and_the_queue_goes_on(
    inside: House, poisoned: list[int]
) -> None:
    bad = library.add("Bad", content="POISON: the depot is green.")
    good = library.add("Good", content="The depot is green.")
    taken = 0
    while ingestion.is_awaited():
        taken += 1
        ingestion.read_next(turns.Endless())
        assert taken < 10
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.status, len(poisoned)) == ("failed", ingestion.MAX_ATTEMPTS)
    assert "stopped three times" in bad.failure
    assert good.status == "ready"


def test_a_page_that_kills_its_parser_costs_itself_alone(
    inside: House, site: Website, poisoned: list[int]
) -> None:
    shop(site)
    site.page("/help/1", "POISON: the depot is green.")
    source = read(library.add_website(site.url))
    assert (source.status, len(poisoned)) == ("ready", crawl.MOST_TRIES)
    assert states(source).pop("/help/1")[0] == "failed"
    assert "stopped three times" in states(source)["/help/1"][1]
    assert {state for path, (state, _) in states(source).items() if path != "/help/1"} == {"ready"}


def test_the_sweep_takes_passages_whose_source_is_gone(acme: House) -> None:
    source = acme.knows("The depot is green.")
    with acme.scope():
        passages = list(Passage.objects.all())
        library.remove(source)
        Passage.objects.bulk_create(passages)  # as a crash between the databases would have left them
        tasks.sweep_tenant.apply(headers={"cwu_tenant": str(acme.tenant.id)}, throw=True)
        assert not Passage.objects.exists()
        assert not Knowledge.objects.exists()


@pytest.mark.parametrize("name", [name for name in INVISIBLE if name != "a null"])  # which no text has at all
def test_what_nobody_sees_is_in_no_title_heading_or_passage(name: str) -> None:
    hidden = INVISIBLE[name]
    page = f"<title>De{hidden}pot</title><h1>De{hidden}pot</h1><h2>Ho{hidden}urs</h2><p>Op{hidden}en at{hidden} nine.</p>"
    told = web_page(page.encode() + b"<!--%s-->" % (b" " * 1000))
    [passage] = told["passages"]
    assert hidden not in told["title"] + passage["heading"] + passage["text"]
    assert "Open at" in passage["text"]


def test_what_makes_an_emoji_or_a_letter_stays() -> None:
    for text in ("❤️ and 1️⃣ and 👩‍👩‍👧", "می‌خواهم", "क्‍ष"):
        [passage] = web_page(f"<h1>Depots</h1><p>We say {text} here.</p>".encode())["passages"]
        assert text in passage["text"]


@pytest.fixture
def calling() -> Iterator[tuple[str, list[str]]]:
    """An address of ours, and what was asked there."""
    asked: list[str] = []

    def answer(request: Any) -> None:
        asked.append(request.path)
        internet.answer(request, b"called")

    server = internet.serve("127.0.0.1", 0, answer)
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()


def test_nothing_that_a_file_names_is_asked_for(calling: tuple[str, list[str]]) -> None:
    """Pictures, styles, frames, bases, entities, schemas and links to other files, in each kind that can name one."""
    url, asked = calling
    said = {name: _reason(name, content) for name, content in hostile.calling(url)}
    assert {name for name, reason in said.items() if reason} == {"declared.docx"}, said
    contained.run("web_page", dict(hostile.calling(url))["x.html"])
    with pytest.raises(sniff.Unreadable):
        contained.run("sitemap", f'<!DOCTYPE x SYSTEM "{url}/dtd"><urlset/>'.encode())
    assert asked == []


def _reason(name: str, content: bytes) -> str:
    try:
        contained.run("document", name, content)
    except sniff.Unreadable as error:
        return error.reason
    return ""
