"""Websites: read as far as they are wanted, politely, and no further; and read again for what has changed."""

from html import escape
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from apps.knowledge import drafts, ingestion, library, page, ranking, vectors
from apps.knowledge.models import Document, Knowledge, Passage, Seen
from apps.knowledge.turns import Endless
from tests.knowledge.website import Website, again, any_header, read, running, shop, states, texts
from tests.world import House


def test_a_site_is_read_by_its_links_and_cited_by_its_addresses(
    inside: House, site: Website, settings: Any
) -> None:
    shop(site)
    site.pages["/"] = (200, str(site.pages["/"]), {"Set_Cookie": "visitor=1; Path=/"})
    source = read(library.add_website(site.url, agents=[inside.agent.id]))
    assert (source.status, source.failure, source.name) == ("ready", "", "127.0.0.1")
    assert set(states(source).values()) == {("ready", "")}
    assert source.passages == Passage.objects.filter(knowledge_id=source.id).count() == 5
    one = Passage.objects.get(knowledge_id=source.id, text__contains="Depot number 3")
    assert (one.url, one.title) == (f"{site.url}/help/3", "Depot 3")
    embedder = vectors.embedder(vectors.of([source.id]))
    [asked] = embedder.embed(["Which colour has depot number 3?"])
    [found] = ranking.ranked(
        [source.id], "Which colour has depot number 3?", asked, model=embedder.model, limit=1
    )
    assert (found.url, found.as_of) == (one.url, Seen.objects.get(document_id=str(one.document_id)).at)
    assert "Menu of all pages" not in texts(source)
    assert any_header(site, "user-agent") == {f"ChatWithUsBot/1.0 (+{settings.PUBLIC_URL})"}
    assert any_header(site, "cookie") == {None}
    assert max(site.asked.values()) == 1


def test_reading_again_embeds_nothing_new_and_asks_only_whether_pages_changed(
    inside: House, site: Website, embedded: list[str]
) -> None:
    shop(site)
    source = read(library.add_website(site.url))
    ids, seen = (
        set(Passage.objects.values_list("id", flat=True)),
        Document.objects.earliest("seen_at").seen_at,
    )
    embedded.clear()
    site.told.clear()
    rows = _rows()
    again(source)
    assert embedded == []
    assert _rows() == rows, "no row with a vector was written anew: an index of vectors would pay for each"
    assert site.told == {304: 5, 404: 2}, "robots.txt and sitemap.xml are not there"
    assert set(Passage.objects.values_list("id", flat=True)) == ids
    now = Seen.objects.earliest("at").at
    assert seen is not None
    assert now > seen


def _rows() -> list[Any]:
    """Which versions of its rows PostgreSQL has."""
    with connections[Passage.database].cursor() as cursor:
        cursor.execute("SELECT id, xmin::text, ctid::text FROM knowledge_passage ORDER BY id")
        return list(cursor.fetchall())


def test_a_changed_page_is_embedded_alone_and_both_versions_are_kept(
    inside: House, site: Website, embedded: list[str]
) -> None:
    shop(site)
    source = read(library.add_website(site.url))
    embedded.clear()
    site.page("/help/2", "Depot number 2 was closed for good.", title="Depot 2")
    again(source)
    assert "closed for good" in texts(source)
    assert "painted orange" not in texts(source)
    assert all("closed for good" in one for one in embedded)
    page = Document.objects.get(url__endswith="/help/2")
    assert ("orange" in str(page.before), "closed" in str(page.cut)) == (True, True)
    assert page.changed_at is not None


def test_a_vanished_page_stops_answering_at_once(inside: House, site: Website) -> None:
    shop(site)
    source = read(library.add_website(site.url))
    del site.pages["/help/2"]
    site.page("/", "This shop sells tents.", "/help/1", "/help/2", "/help/4", title="The shop")
    assert library.read_again(source)
    gone_before_the_end = _visit_until(source, "/help/2")
    assert not Passage.objects.filter(url__endswith="/help/2").exists()
    assert gone_before_the_end
    read(source)
    assert states(source)["/help/2"] == ("gone", "The page is gone: the site answered with status 404.")
    assert states(source)["/help/3"] == (
        "gone",
        "The page is gone: no page of the site leads to it any more.",
    )
    assert "Depot number 3" not in texts(source)
    assert "Depot number 4" in texts(source)


def _visit_until(source: Knowledge, path: str) -> bool:
    """As a worker does whose turn ends with this page; whether there was more to do."""

    class Until(Endless):
        def is_over(self) -> bool:
            return Document.objects.filter(url__endswith=path, status="gone").exists()

    ingestion.read_in(source.id, Until())
    source.refresh_from_db()
    return source.status == "waiting"


def test_a_site_that_is_down_answers_on_as_of_before(inside: House, site: Website) -> None:
    shop(site)
    source = read(library.add_website(site.url, agents=[inside.agent.id]))
    before = texts(source)
    shop_pages, site.pages = site.pages, {path: (500, "", {}) for path in site.pages}
    again(source)
    assert (source.status, texts(source)) == ("ready", before)
    assert states(source)["/help/1"] == ("failed", "The site answered with status 500.")
    site.pages = shop_pages
    again(source)
    assert set(states(source).values()) == {("ready", "")}


def test_what_robots_txt_asks_is_done(inside: House, site: Website) -> None:
    shop(site)
    site.pages["/robots.txt"] = (
        200,
        "User-agent: *\nDisallow: /help/2\nUser-agent: ChatWithUsBot\nDisallow: /help/3",
        {},
    )
    source = read(library.add_website(site.url))
    assert states(source)["/help/3"] == ("skipped", "The site’s robots.txt asks not to read this page.")
    assert states(source)["/help/2"][0] == "ready"
    assert "/help/3" not in site.asked
    site.pages["/robots.txt"] = (503, "", {})
    assert "robots.txt answers with status 503" in again(source).failure
    assert source.status == "failed"
    assert "Depot number 1" in texts(source), "what was read before answers on"


def test_a_crawl_stays_on_its_site(inside: House, site: Website, settings: Any) -> None:
    with running() as other:
        settings.EGRESS_ALLOW = [site.host, other.host]
        other.page("/", "Another site.")
        away = [f"http://localhost:{site.port}/", f"{other.url}/", f"//127.0.0.1.evil.example:{site.port}/", "javascript:alert(1)",
                "mailto:a@b.example", f"http://127.0.0.1:{site.port}@evil.example/", "ftp://127.0.0.1/x", "/picture.png"]  # fmt: skip
        site.page("/", "This shop sells tents.", *away, "/moved", "/sent")
        site.pages["/moved"] = (302, "", {"Location": other.url})
        site.pages["/sent"] = (
            f'<head><meta http-equiv="refresh" content="0;url={other.url}"><link rel="icon" href="{other.url}/icon"></head>'
            f'<p>We have moved.</p><img src="{other.url}/picture"><script>location = "{other.url}"</script>'
        )
        source = read(library.add_website(site.url))
        assert {path: state for path, (state, _) in states(source).items()} == {
            "/": "ready",
            "/moved": "skipped",
            "/sent": "ready",
        }
        assert "another site" in states(source)["/moved"][1]
        assert not other.asked


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)//",
        "data:text/html,<script>alert(1)</script>",
        "JaVaScRiPt:alert(1)",
        "vbscript:x",
    ],
)
def test_a_page_cannot_say_that_its_address_is_a_script(inside: House, site: Website, address: str) -> None:
    """In a canonical link, an og:url, a base, a link, a redirect or a sitemap: what is cited is the address that was fetched."""
    told = escape(address)
    head = (
        f'<base href="{told}"><link rel="canonical" href="{told}"><meta property="og:url" content="{told}">'
    )
    site.pages["/"] = (
        f'<html><head>{head}</head><body><h1>Tents</h1><p>This shop sells tents.</p><a href="{told}">x</a></body></html>'
    )
    site.pages["/moved"] = (302, "", {"Location": address})
    site.pages["/sitemap.xml"] = (
        200,
        f"<urlset><url><loc>{told}</loc></url><url><loc>{site.url}/</loc></url><url><loc>{site.url}/moved</loc></url></urlset>",
        {},
    )
    site.pages["/robots.txt"] = (200, f"Sitemap: {address}\nSitemap: {site.url}/sitemap.xml", {})
    for scope in ("crawl", "sitemap"):
        source = read(library.add_website(site.url, scope=scope))
        assert source.status == "ready"
        assert set(Passage.objects.filter(knowledge_id=source.id).values_list("url", flat=True)) == {
            f"{site.url}/"
        }
    assert all(url.startswith(f"{site.url}/") for url in Document.objects.values_list("url", flat=True))


def test_patterns_depth_and_pages_bound_a_crawl(inside: House, site: Website) -> None:
    shop(site, 9)
    site.page("/blog/1", "News.", "/blog/2")
    site.page("/", "This shop sells tents.", *[f"/help/{n}" for n in range(1, 9)], "/blog/1")
    bounded = read(library.add_website(site.url, include="/\n/help/*", exclude="/help/3\n*/4"))
    assert not {"/help/3", "/help/4", "/blog/1"} & set(states(bounded))
    few = read(library.add_website(site.url, most_pages=3))
    assert len(states(few)) == 3
    shallow = read(library.add_website(site.url, depth=1))
    assert "/blog/1" in states(shallow)
    assert "/blog/2" not in states(shallow)
    alone = read(library.add_website(f"{site.url}/help/5", scope="page"))
    assert list(states(alone)) == ["/help/5"]


def test_a_sitemap_says_what_is_read(inside: House, site: Website) -> None:
    shop(site)
    site.pages["/index.xml"] = (
        200,
        f"<sitemapindex><sitemap><loc>{site.url}/deep.xml</loc></sitemap></sitemapindex>",
        {},
    )
    site.pages["/deep.xml"] = (
        200,
        f"<urlset><url><loc>{site.url}/help/2</loc></url><url><loc>http://10.0.0.1/</loc></url></urlset>",
        {},
    )
    site.pages["/robots.txt"] = (200, f"Sitemap: {site.url}/index.xml", {})
    source = read(library.add_website(site.url, scope="sitemap"))
    assert list(states(source)) == ["/help/2"]
    site.pages["/deep.xml"] = (
        200,
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><urlset><url><loc>&e;</loc></url></urlset>',
        {},
    )
    assert "No sitemap" in again(source).failure
    assert "Depot number 2" in texts(source)


def test_traps_end_within_their_bounds(inside: House, site: Website, settings: Any) -> None:
    """An endless calendar, a million links, endless addresses, and one text under many."""
    site.page(
        "/",
        "This shop sells tents.",
        "/calendar/1",
        "/links",
        "/million",
        "/larger",
        "/same?a=1",
        "/same?a=2",
        "/same?utm_source=x",
        "/same",
    )

    class Calendar(dict[str, Any]):
        def get(self, path: str, default: Any = None) -> Any:
            if path.startswith("/calendar/"):
                number = int(path.rpartition("/")[2])
                return f"<p>Day number {number} is free.</p><a href='/calendar/{number + 1}'>next</a>"
            if path == "/links":
                return "<p>Many links are here.</p>" + "".join(
                    f"<a href='/x/{n}'>x</a>" for n in range(100_000)
                )
            if path == "/million":
                return "<p>Too many links are here.</p>" + "<a href=1>" * 1_000_000
            if path == "/larger":
                return "<p>Too much is here.</p>" + "<a href='/y'>y</a>" * 1_000_000
            return (
                "<p>The same words everywhere.</p>"
                if path.startswith("/same")
                else dict.get(self, path, default)
            )

    site.pages = Calendar(site.pages)
    source = read(library.add_website(site.url, most_pages=40, depth=10))
    assert source.status == "ready"
    assert len(states(source)) == 40
    said = states(source)
    assert [path for path, (state, _) in said.items() if path.startswith("/same") and state == "ready"] == [
        "/same?a=1"
    ]
    assert "says the same as" in said["/same?a=2"][1]
    assert "/same?utm_source=x" not in said
    assert said["/million"] == ("failed", page.FULL)
    state, why = said["/larger"]
    assert (state, "larger than" in why) == ("failed", True), why


def test_a_host_is_not_asked_more_than_twice_a_second(inside: House, site: Website, settings: Any) -> None:
    settings.LIMITS = {name: rule for name, rule in settings.LIMITS.items() if name != "crawl-host"}
    shop(site, 4)
    read(library.add_website(site.url, scope="crawl"))
    pages = sorted(site.times)[2:]  # without robots.txt and the sitemap
    most = max(sum(1 for one in pages if start <= one < start + 1) for start in pages)
    assert most <= 3, "two a second, and one that was saved up"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, "x", {"Content_Type": "image/png"}), "It is not a page but image/png."),
        ((403, "", {}), "The site lets nobody read this without signing in (status 403)."),
        ((418, "", {}), "The site answered with status 418."),
        ((200, "<html><body></body></html>", {}), "The document holds no words."),
        ((200, "<div>" * 100_000 + "words", {}), "The document is nested too deeply."),
    ],
)
def test_a_page_that_cannot_be_read_says_why(inside: House, site: Website, answer: Any, said: str) -> None:
    site.pages["/"] = answer
    source = read(library.add_website(site.url))
    assert source.status == "failed"
    assert source.failure == f"Nothing could be read. {said}"


def test_a_reading_goes_on_where_its_worker_died(inside: House, site: Website, embedded: list[str]) -> None:
    shop(site, 6)
    source = library.add_website(site.url)

    class Once(Endless):
        """A turn that is over after each step."""

        def is_over(self) -> bool:
            return True

    steps = 0
    while Knowledge.objects.get(id=source.id).status != "ready":
        ingestion.read_in(source.id, Once())
        Knowledge.objects.filter(id=source.id, status="working").update(status="waiting")
        steps += 1
        assert drafts.progress(source) == 0 or not Passage.objects.filter(knowledge_id=source.id).exists(), (
            "never half"
        )
    assert steps > 6
    assert max(site.asked.values()) == 1
    assert len(embedded) == len(set(embedded)), "nothing twice"


def test_deleting_takes_drafts_and_documents_along(inside: House, site: Website) -> None:
    shop(site)
    source = read(library.add_website(site.url))
    Passage.objects.filter(url__endswith="/help/1").update(knowledge_id=source.draft_id)
    library.remove(source)
    assert not Passage.objects.exists()
    assert not Seen.objects.exists()
    assert not Document.objects.exists()


def test_a_source_that_cannot_lose_its_vectors_stays(inside: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.knowledge import index

    source = inside.knows("The depot is green.")
    source_id = source.id

    def unreachable(*_: object) -> int:
        raise OSError("the vector database is away")

    monkeypatch.setattr(index, "remove", unreachable)
    with pytest.raises(OSError, match="away"):
        library.remove(source)
    assert Knowledge.objects.filter(id=source_id).exists()
    assert Passage.objects.exists()


def test_one_source_serves_several_agents(inside: House, site: Website) -> None:
    from apps.agents.models import Agent

    shop(site, 2)
    second = Agent.objects.create(name="Second")
    ids: list[UUID] = [inside.agent.id, second.id]
    source = library.add_website(site.url, agents=ids)
    assert {one.id for one in source.agents.all()} == set(ids)
