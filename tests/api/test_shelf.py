"""`/api/v1/knowledge` in pages: what is on the shelf, what was read of a website, what a document says and what changed in it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.knowledge import library, models
from apps.knowledge.models import Document, Knowledge
from tests.api.streams import is_problem
from tests.knowledge.website import Website, read, running, shop
from tests.server import Server
from tests.world import House

Houses = tuple[House, House]
SENTENCES = [f"Depot number {number} is green." for number in range(5)]


@pytest.fixture
def site(settings: Any) -> Iterator[Website]:
    with running() as found:
        settings.EGRESS_ALLOW = [found.host]
        settings.LIMITS = {**settings.LIMITS, "crawl-host": (1000, 1)}
        yield found


def told(server: Server, house: House, path: str, **query: Any) -> Any:
    with server.rest(house) as client:
        return client.get(f"/api/v1/knowledge{path}", params=query)


def parts(server: Server, house: House, path: str, field: str, **query: Any) -> list[list[Any]]:
    """All of them, two at a time."""
    found: list[list[Any]] = []
    cursor = None
    while len(found) < 9 and (not found or cursor is not None):
        page = told(server, house, path, limit=2, **query, **({"cursor": cursor} if cursor else {})).json()
        found.append(page[field])
        cursor = page["next_cursor"]
    return found


def names(found: list[list[Any]], field: str) -> list[list[Any]]:
    return [[one[field] for one in page] for page in found]


def website_of(house: House, pages: int = 5) -> Knowledge:
    """One that was read: its pages as they were found, the last two of them failed and the second changed since."""
    with house.scope():
        source = Knowledge.objects.create(name="Shop", category="website", content="https://shop.example/")
        models.Website.objects.create(knowledge=source)
        for number in range(pages):
            Document.objects.create(
                knowledge=source,
                number=number,
                url=f"https://shop.example/{number}",
                status="failed" if number >= pages - 2 else "ready",
            )
        return source


def document_of(house: House) -> Document:
    """One that said nothing of violet depots before."""
    source = website_of(house, 1)
    with house.scope():
        document = Document.objects.get(knowledge=source)
        for colour in ("green", "violet"):
            passages = [
                {"heading": "", "page": None, "text": one.replace("green", colour)} for one in SENTENCES
            ]
            document.say(passages)
        return document


def test_the_shelf_is_read_newest_first_in_pages_that_neither_overlap_nor_miss(
    server: Server, houses: Houses
) -> None:
    acme, globex = houses
    globex.knows("Theirs.", name="Theirs")
    with acme.scope():
        for number in range(5):
            Knowledge.objects.create(name=f"Source {number}")
    assert names(parts(server, acme, "", "knowledge"), "name") == [
        ["Source 4", "Source 3"],
        ["Source 2", "Source 1"],
        ["Source 0"],
    ]


def test_a_websites_pages_are_read_as_they_were_found_and_by_how_it_went(
    server: Server, houses: Houses
) -> None:
    acme, _ = houses
    path = f"/{website_of(acme).id}/documents"
    site = "https://shop.example/"
    assert names(parts(server, acme, path, "documents"), "url") == [
        [f"{site}0", f"{site}1"],
        [f"{site}2", f"{site}3"],
        [f"{site}4"],
    ]
    assert names(parts(server, acme, path, "documents", status="failed"), "url") == [[f"{site}3", f"{site}4"]]
    assert parts(server, acme, path, "documents", changed=True) == [[]]
    with acme.scope():
        for number in (1, 4, 2):
            Document.objects.filter(number=number).update(changed_at=timezone.now())
    assert names(parts(server, acme, path, "documents", changed=True), "url") == [
        [f"{site}2", f"{site}4"],
        [f"{site}1"],
    ]


def test_what_a_document_says_and_what_changed_in_it_are_read_in_pages(
    server: Server, houses: Houses
) -> None:
    acme, _ = houses
    document = document_of(acme)
    path = f"/{document.knowledge_id}/documents/{document.id}"
    assert [len(page) for page in parts(server, acme, f"{path}/text", "text")] == [2, 2, 1]
    lines = [line for page in parts(server, acme, f"{path}/changes", "changes") for line in page]
    assert [line["text"] for line in lines if line["sign"] == "-"] == SENTENCES
    assert [line["text"] for line in lines if line["sign"] == "+"] == [
        one.replace("green", "violet") for one in SENTENCES
    ]


def test_a_cursor_holds_for_the_version_that_was_being_read(server: Server, houses: Houses) -> None:
    acme, _ = houses
    document = document_of(acme)
    path = f"/{document.knowledge_id}/documents/{document.id}"
    cursors = {list_: told(server, acme, f"{path}/{list_}", limit=2).json()["next_cursor"] for list_ in ("text", "changes")}  # fmt: skip
    with acme.scope():
        document.say([{"heading": "", "page": None, "text": "Depots are closed."}])
    for list_, cursor in cursors.items():
        refused = told(server, acme, f"{path}/{list_}", cursor=cursor)
        assert is_problem(refused, 422, "invalid")
        assert "changed since" in refused.json()["detail"]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"limit": "x"}, {"cursor": "x"}, {"cursor": "MSAy"}, {"cursor": "\x00"},
                                   {"cursor": "OTk5OTk5OTk5OTk5OTk5OTk5OTk5IC0="}, {"cursor": "LTEgLQ=="}])  # fmt: skip
@pytest.mark.parametrize("list_", ["", "/{source}/documents", "/{source}/documents/{document}/text", "/{source}/documents/{document}/changes"])  # fmt: skip
def test_a_page_that_is_none_is_explained(server: Server, houses: Houses, query: Any, list_: str) -> None:
    acme, _ = houses
    document = document_of(acme)
    path = list_.format(source=document.knowledge_id, document=document.id)
    assert is_problem(told(server, acme, path, **query), 422, "invalid")


def test_a_cursor_of_one_list_is_none_of_another(server: Server, houses: Houses) -> None:
    acme, _ = houses
    source = website_of(acme)
    acme.knows("The depot is green.")
    shelf = told(server, acme, "", limit=1).json()["next_cursor"]
    pages = told(server, acme, f"/{source.id}/documents", limit=1).json()["next_cursor"]
    assert is_problem(told(server, acme, f"/{source.id}/documents", cursor=shelf), 422, "invalid")
    assert is_problem(told(server, acme, "", cursor=pages), 422, "invalid")


def test_a_status_that_no_document_has_is_explained(server: Server, houses: Houses) -> None:
    acme, _ = houses
    path = f"/{website_of(acme).id}/documents"
    assert is_problem(told(server, acme, path, status="lost"), 422, "invalid")
    assert is_problem(told(server, acme, path, changed="perhaps"), 422, "invalid")


def test_until_when_a_website_is_left_alone_is_said_and_when_it_is_read_again(
    server: Server, houses: Houses, site: Website
) -> None:
    acme, _ = houses
    shop(site)
    site.pages["/help/1"] = (503, "", {"Retry_After": "600"})
    with acme.scope():
        source = read(library.add_website(site.url, every_hours=24))
    resting = told(server, acme, f"/{source.id}").json()
    until = datetime.fromisoformat(resting["rests_until"])
    assert (resting["status"], resting["due_at"]) == ("waiting", None)
    assert timedelta(minutes=9) < until - timezone.now() <= timedelta(minutes=10)
    assert told(server, acme, "").json()["knowledge"][0]["rests_until"] == resting["rests_until"]
    with acme.scope():
        models.Website.objects.update(rests_until=timezone.now())
        shop(site)
        read(source)
    after = told(server, acme, f"/{source.id}").json()
    assert (after["status"], after["rests_until"]) == ("ready", None)
    assert (
        timedelta(hours=23) < datetime.fromisoformat(after["due_at"]) - timezone.now() <= timedelta(hours=24)
    )


def test_a_site_that_fails_says_when_it_is_tried_again(server: Server, houses: Houses, site: Website) -> None:
    acme, _ = houses
    site.pages["/robots.txt"] = (503, "", {})
    with acme.scope():
        source = read(library.add_website(site.url, every_hours=24))
    failed = told(server, acme, f"/{source.id}").json()
    assert (failed["status"], failed["rests_until"]) == ("failed", None)
    assert failed["due_at"] is not None
