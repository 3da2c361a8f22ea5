"""Which pages a website's round comes to: by what is wanted today, what robots.txt says, and what pages say of themselves."""

from datetime import timedelta

from django.utils import timezone

from apps.knowledge import crawl, egress, ingestion, library
from apps.knowledge.models import Document
from apps.knowledge.models import Website as Row
from apps.knowledge.turns import Endless
from tests.knowledge.website import Website, again, read, shop, states, texts
from tests.world import House


def test_other_patterns_hold_though_no_page_has_changed(inside: House, site: Website) -> None:
    site.page("/", "This shop sells tents.", "/help/a", "/blog/b")
    site.page("/help/a", "Tents are washed by hand.", "/help/deep")
    site.page("/help/deep", "Never in a machine.")
    site.page("/blog/b", "We were in Norway.")
    source = read(library.add_website(site.url, exclude="/blog"))
    assert set(states(source)) == {"/", "/help/a", "/help/deep"}
    library.change(source, exclude="/help")
    site.told.clear()
    again(source)
    assert site.told[304] == 1, "the front page has not changed, and leads elsewhere all the same"
    assert {path for path, (status, _) in states(source).items() if status == "ready"} == {"/", "/blog/b"}
    assert "Tents are washed" not in texts(source)


def test_a_byte_order_mark_before_robots_txt_hides_nothing_in_it(inside: House, site: Website) -> None:
    site.page("/", "This shop sells tents.", "/private")
    site.page("/private", "Nobody is to read this.")
    site.pages["/robots.txt"] = (200, "\ufeffUser-agent: *\nDisallow: /private", {})
    source = read(library.add_website(site.url))
    assert states(source)["/private"][0] == "skipped"
    assert "/private" not in site.asked


def test_where_the_first_page_is_gone_the_others_are_asked_whether_they_are_too(
    inside: House, site: Website
) -> None:
    shop(site)
    source = read(library.add_website(site.url))
    del site.pages["/"], site.pages["/help/2"]
    again(source)
    assert (states(source)["/help/1"][0], states(source)["/help/2"][0]) == ("ready", "gone")
    site.pages.clear()
    again(source)
    assert {status for status, _ in states(source).values()} == {"gone"}
    assert (source.status, texts(source)) == ("failed", "")


def test_a_page_that_only_sends_on_is_followed(inside: House, site: Website) -> None:
    site.pages["/"] = '<html><head><META HTTP-EQUIV="Refresh" content="0; URL=\'/en/\'"></head></html>'
    site.page("/en/", "This shop sells tents.")
    source = read(library.add_website(site.url))
    assert states(source)["/en/"] == ("ready", "")


def test_a_page_found_under_more_of_a_query_is_read_once_under_its_own_address(
    inside: House, site: Website
) -> None:
    site.page("/", "This shop sells tents.", "/tents?sort=price", "/tents?sort=name", "/norway")
    for path in ("/tents", "/tents?sort=price", "/tents?sort=name"):
        site.pages[path] = (
            f'<html><head><link rel="canonical" href="/tents"></head><body><p>Sorted: {path}. Tents are green.</p></body></html>'
        )
    site.pages["/norway"] = (
        '<html><head><link rel="canonical" href="/"></head><body><p>We deliver to Norway.</p></body></html>'
    )
    source = read(library.add_website(site.url))
    assert states(source)["/tents?sort=price"] == ("skipped", f"It leads to {site.url}/tents")
    assert states(source)["/tents"] == ("ready", "")
    assert texts(source).count("Tents are green") == 1
    assert states(source)["/norway"][0] == "ready", (
        "many templates call the front page every page's own address"
    )


def test_sitemaps_are_read_as_others_read_them(inside: House, site: Website) -> None:
    shop(site)
    site.pages["/robots.txt"] = (200, "User-agent: *\nSitemap: /index.xml", {})
    site.pages["/index.xml"] = (
        200,
        f'\n<?xml version="1.0"?><sitemapindex><sitemap><loc>{site.url}/list.txt</loc></sitemap></sitemapindex>',
        {},
    )
    site.pages["/list.txt"] = (200, f"\ufeff{site.url}/help/1\r\n{site.url}/help/2\r\n", {})
    source = read(library.add_website(site.url, scope="sitemap"))
    assert set(states(source)) == {"/help/1", "/help/2"}


def test_another_schedule_holds_at_once(inside: House, site: Website) -> None:
    shop(site)
    source = read(library.add_website(site.url, every_hours=0))
    assert source.synced_at is not None
    assert Row.objects.get().due_at is None
    library.change(source, every_hours=24)
    assert Row.objects.get().due_at == source.synced_at + timedelta(hours=24)
    ingestion.begin_due(timezone.now() + timedelta(hours=25))
    source.refresh_from_db()
    assert source.status == "waiting"
    library.change(source, every_hours=0)
    read(source)
    assert Row.objects.get().due_at is None
    assert Document.objects.filter(status="ready").count() == 5


def test_a_schedule_that_is_changed_during_a_reading_is_the_one_it_ends_with(
    inside: House, site: Website
) -> None:
    shop(site)
    source = library.add_website(site.url, every_hours=0)
    with egress.Client() as client:
        walk = crawl.Crawl(source, Row.objects.get(), client, Endless())
        assert walk.step()
        library.change(source, every_hours=168)
        while walk.step():
            pass
    assert Row.objects.get().due_at is not None
