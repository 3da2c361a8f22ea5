"""Staff watch, and the rival's staff see none of it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from apps.analysis.models import SentimentAnalysis
from chatwithus.embedded.processes import Child
from tests.server import Server, wait_until
from tests.world import House, found_house

Houses = tuple[House, House]
SOON = 2_000  # milliseconds


def scored(server: Server, house: House) -> None:
    """Wait until the worker has scored an exchange of this house, and with it all that tests before this one left to it."""
    with server.visitor(house) as visitor:
        visitor.ask("Is anybody there?")
    with house.scope():
        wait_until(SentimentAnalysis.objects.exists)


@pytest.mark.timely
def test_the_dashboard_moves_by_itself_within_two_seconds(
    console: Callable[[House], Page], server: Server, worker: Child, houses: Houses
) -> None:
    acme, globex = houses
    scored(server, found_house("initech"))
    ours, theirs = console(acme), console(globex)
    for page in (ours, theirs):
        expect(page.get_by_test_id("chats-today")).to_have_text("0")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
    with server.visitor(acme) as visitor:
        chat = visitor.ask("This tent is terrible, it arrived broken!")[0]["chat"]
        expect(ours.get_by_test_id("chats-today")).to_have_text("1", timeout=SOON)
        expect(ours.get_by_test_id("exchanges-today")).to_have_text("1", timeout=SOON)
        expect(ours.get_by_test_id("sentiment-negative")).to_contain_text("1", timeout=SOON)
        row = ours.locator(f"[data-chat='{chat}']")
        expect(row).to_contain_text("terrible", timeout=SOON)
        visitor.ask("Great, thank you, I love the new one!")
        expect(ours.get_by_test_id("exchanges-today")).to_have_text("2", timeout=SOON)
        expect(ours.get_by_test_id("sentiment-positive")).to_contain_text("1", timeout=SOON)
    expect(theirs.get_by_test_id("chats-today")).to_have_text("0")
    expect(theirs.locator("[data-chat]")).to_have_count(0)


def test_staff_open_a_chat_from_the_dashboard_and_the_rival_cannot(
    console: Callable[[House], Page], server: Server, worker: Child, houses: Houses
) -> None:
    acme, globex = houses
    with server.visitor(acme) as visitor:
        chat = visitor.ask("This tent is terrible, it arrived broken!")[0]["chat"]
    ours, theirs = console(acme), console(globex)
    ours.locator(f"[data-chat='{chat}']").get_by_role("link").first.click()
    expect(ours.get_by_text("This tent is terrible, it arrived broken!")).to_be_visible()
    found = theirs.goto(f"/console/chats/{chat}/")
    assert found is not None
    assert found.status == 404


def test_a_stranger_is_sent_to_sign_in(context: "object", server: Server) -> None:
    import httpx

    for path in ("/console/", "/console/knowledge/", "/console/knowledge/add/"):
        response = httpx.get(f"{server.url}{path}")
        assert response.status_code == 302
        assert response.headers["location"].startswith("/console/login/")
