"""Websites as staff see them: added, followed, compared, changed and read again."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from apps.agents.models import Agent
from apps.chats.models import Chat, ContentChat
from apps.knowledge import ingestion
from apps.knowledge.models import Document, Knowledge, Website
from tests.console.signing import browser_of
from tests.knowledge import website
from tests.tenants.acting import said
from tests.world import PASSWORD, House


@pytest.fixture
def site(settings: Any) -> Iterator[website.Website]:
    with website.running() as found:
        settings.EGRESS_ALLOW = [found.host]
        settings.LIMITS = {**settings.LIMITS, "crawl-host": (1000, 1)}
        website.shop(found, 4)
        yield found


@pytest.fixture
def staff(acme: House) -> Client:
    client = Client()
    client.post("/console/login/", {"username": acme.user.username, "password": PASSWORD})
    return client


FORM = {"name": "", "scope": "crawl", "depth": 4, "most_pages": 50, "every_hours": 24}


def added(staff: Client, acme: House, site: website.Website) -> Knowledge:
    form = {**FORM, "content": site.url, "agents": [str(acme.agent.id)]}
    assert staff.post("/console/knowledge/website/", form).status_code == 302
    with acme.scope():
        source = Knowledge.objects.get()
        ingestion.read_in(source.id)
    return source


def test_a_website_is_added_and_each_page_says_how_it_went(
    staff: Client, acme: House, site: website.Website
) -> None:
    site.pages["/help/2"] = (403, "", {})
    source = added(staff, acme, site)
    page = staff.get(f"/console/knowledge/{source.id}/").content.decode()
    assert "3 read, 1 failed" in page
    assert "lets nobody read this without signing in" in page
    assert "Every day" in page
    assert site.url in page


def test_of_many_pages_those_that_were_not_read_are_one_step_away(
    staff: Client, acme: House, site: website.Website
) -> None:
    source = added(staff, acme, site)
    with acme.scope():
        pages = [
            Document(knowledge=source, number=n, url=f"{site.url}/{n}", status="ready") for n in range(9, 200)
        ]
        pages[-1].status, pages[-1].failure = "failed", "The site answered with status 418."
        Document.objects.bulk_create(pages)
    page = staff.get(f"/console/knowledge/{source.id}/").content.decode()
    assert "194 read, 1 failed" in page
    assert "status 418" not in page
    assert 'href="?kind=failed"' in page
    assert "status 418" in staff.get(f"/console/knowledge/{source.id}/?kind=failed").content.decode()


def test_a_site_that_asked_for_rest_says_when_it_goes_on(
    staff: Client, acme: House, site: website.Website
) -> None:
    site.pages["/help/2"] = (503, "", {"Retry_After": "60"})
    source = added(staff, acme, site)
    assert "as the site asked" in staff.get(f"/console/knowledge/{source.id}/").content.decode()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"content": ""}, "This field is required"),
        ({"content": "ftp://shop.example"}, "begin with http:// or https://"),
        ({"content": "http://u:p@shop.example/"}, "Leave out the user name"),
        ({"include": "help"}, "is no pattern"),
        ({"most_pages": 0}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_added_is_explained(
    staff: Client, acme: House, wrong: dict[str, Any], said: str
) -> None:
    response = staff.post("/console/knowledge/website/", {**FORM, "content": "shop.example", **wrong})
    assert response.status_code == 422
    assert said in response.content.decode()
    with acme.scope():
        assert not Knowledge.objects.exists()


def test_a_change_shows_with_the_answers_that_it_outdates(
    staff: Client, acme: House, site: website.Website
) -> None:
    source = added(staff, acme, site)
    with acme.scope():
        document = Document.objects.get(url__endswith="/help/1")
        quote = "Depot number 1 is painted violet and opens at 2 o'clock."
        cited = {"number": 1, "knowledge": str(source.id), "url": document.url, "quote": quote}
        chat = Chat.objects.create(agent=acme.agent, visitor="v", last_exchange=1)
        ContentChat.objects.create(
            chat=chat,
            number=1,
            client_message_id="1",
            request="What colour?",
            response="Violet [1]",
            state="completed",
            citations=[cited],
        )
    site.page("/help/1", "Depot number 1 is painted white now.", "/")
    assert staff.post(f"/console/knowledge/{source.id}/sync/").status_code == 302
    with acme.scope():
        ingestion.read_in(source.id)
    page = staff.get(f"/console/knowledge/{source.id}/documents/{document.id}/").content.decode()
    assert "<ins>Depot number 1 is painted white now.</ins>" in page
    assert "<del>Depot number 1 is painted violet" in page
    assert "What colour?" in page
    other = Client()
    assert other.get(f"/console/knowledge/{source.id}/documents/{document.id}/").status_code == 302


def test_how_it_is_read_can_be_changed(staff: Client, acme: House, site: website.Website) -> None:
    source = added(staff, acme, site)
    form = {**FORM, "name": "Help", "most_pages": 2, "every_hours": 0}
    assert staff.get(f"/console/knowledge/{source.id}/change/").status_code == 200
    assert staff.post(f"/console/knowledge/{source.id}/change/", form).status_code == 302
    with acme.scope():
        changed = Website.objects.get(knowledge=source)
        assert (changed.knowledge.name, changed.most_pages, changed.every_hours) == ("Help", 2, 0)
        assert not changed.knowledge.agents.exists()


def test_an_owner_starts_with_an_address(
    staff: Client, acme: House, site: website.Website, settings: Any
) -> None:
    assert "Try it" in staff.get("/console/knowledge/start/").content.decode()
    assert staff.post("/console/knowledge/start/", {"address": "http://"}).status_code == 422
    answer = staff.post("/console/knowledge/start/", {"address": site.url, "allow": "on"})
    assert answer.status_code == 302
    page = staff.get(answer["location"]).content.decode()
    assert "Reading your website" in page
    assert f"Pages of {site.url} and {settings.PUBLIC_URL} may show your agent now." in page
    assert said(acme)[-1] == ("organisation.changed", "done")
    assert f"data-agent=&quot;{acme.agent.id}&quot;" in page.replace('"', "&quot;")
    acme.tenant.refresh_from_db()
    assert {site.url, settings.PUBLIC_URL} <= set(acme.tenant.allowed_origins)
    with acme.scope():
        ingestion.read_in(Knowledge.objects.get().id)
    assert "4 pages read" in staff.get(answer["location"]).content.decode()


def test_where_there_is_no_room_for_a_website_no_agent_is_left(
    staff: Client, acme: House, settings: Any
) -> None:
    settings.MAX_SOURCES = 0
    with acme.scope():
        Agent.objects.all().delete()
    answer = staff.post("/console/knowledge/start/", {"address": "https://shop.example"})
    assert (answer.status_code, "which is all that fit" in answer.content.decode()) == (422, True)
    with acme.scope():
        assert not Agent.objects.exists()


def test_whether_its_pages_may_show_the_agent_is_the_owners_choice(
    staff: Client, acme: House, site: website.Website, settings: Any
) -> None:
    before = acme.tenant.allowed_origins
    page = staff.get("/console/knowledge/start/").content.decode()
    assert re.search(r'<input type="checkbox" name="allow"[^>]* checked', page)
    assert staff.post("/console/knowledge/start/", {"address": site.url}).status_code == 302
    acme.tenant.refresh_from_db()
    assert acme.tenant.allowed_origins == [*before, settings.PUBLIC_URL]


def test_who_may_not_say_which_pages_are_allowed_allows_none(acme: House, site: website.Website) -> None:
    manager, before = browser_of(acme, "manager"), acme.tenant.allowed_origins
    assert 'name="allow"' not in manager.get("/console/knowledge/start/").content.decode()
    assert manager.post("/console/knowledge/start/", {"address": site.url, "allow": "on"}).status_code == 302
    acme.tenant.refresh_from_db()
    assert acme.tenant.allowed_origins == before
