"""An owner pastes their website's address; soon their agent answers from it on a page that shows the line to embed."""

import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from chatwithus.embedded.processes import Child
from tests import services
from tests.knowledge import website
from tests.server import Server
from tests.world import House

Houses = tuple[House, House]
PAGES = 20
MINUTES = 3


def test_from_an_address_to_an_answer_and_the_line_to_embed(
    console: Callable[[House], Page], server: Server, worker: Child, houses: Houses
) -> None:
    acme, globex = houses
    with website.running(services.SITE_PORT) as site:
        website.shop(site, PAGES)
        page = console(acme)
        page.goto("/console/knowledge/")
        page.get_by_role("link", name="Try it on your website").click()
        page.get_by_label("Your website’s address").fill(site.url)
        began = time.monotonic()
        page.get_by_role("button", name="Read it").click()
        expect(page.get_by_test_id("snippet")).to_contain_text(f'data-agent="{acme.agent.id}"')
        expect(page.get_by_text("pages read, ")).to_be_visible(timeout=MINUTES * 60_000)
        expect(page.get_by_text(f"{PAGES} pages read")).to_be_visible()
        page.get_by_role("button", name=f"Ask {acme.agent.name}").click()
        page.get_by_role("textbox").fill("What colour is depot number 3 painted?")
        page.get_by_role("textbox").press("Enter")
        expect(page.locator("chat-with-us").get_by_text("crimson").first).to_be_visible(timeout=30_000)
        assert time.monotonic() - began < MINUTES * 60
    with server.rest(globex) as client:
        assert client.get("/api/v1/knowledge").json()["knowledge"] == []
