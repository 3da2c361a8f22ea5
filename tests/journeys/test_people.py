"""Somebody is invited, comes in, sets up a second factor, and is shut out again: in real browsers, by what the pages say."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from apps.tenants import twofactor
from tests.server import Server
from tests.tenants.phone import code
from tests.world import House

Houses = tuple[House, House]


@pytest.fixture
def stranger(chromium: Browser, server: Server) -> Iterator[Page]:
    """A browser in which nobody is signed in."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, base_url=server.url)
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def test_an_invited_colleague_comes_in_and_is_removed(
    console: Callable[[House], Page], stranger: Page, houses: Houses
) -> None:
    acme, _ = houses
    email = f"ada@{acme.tenant.slug}.example"
    owner = console(acme)
    owner.get_by_role("link", name="Organisation", exact=True).click()
    owner.get_by_role("link", name="People").click()
    owner.get_by_label("E-mail address").fill(email)
    owner.get_by_role("button", name="Make an invitation").click()
    link = owner.get_by_test_id("once").inner_text()
    stranger.goto(link[link.index("/console") :])
    stranger.wait_for_url("**/console/join/")
    stranger.get_by_label("Your name").fill("Ada Okafor")
    stranger.get_by_label("Password").fill("a long and winding road")
    stranger.get_by_role("button", name="Make an account and join").click()
    expect(stranger.get_by_test_id("tenant")).to_have_text(acme.tenant.name)
    owner.goto("/console/organisation/people/")
    row = owner.get_by_test_id("member-row").filter(has_text="Ada Okafor")
    row.get_by_role("button", name="Remove").click()
    owner.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(owner.get_by_test_id("saved")).to_contain_text(email)
    stranger.goto("/console/")
    expect(stranger.get_by_text("not a member of any organisation")).to_be_visible()


def test_a_second_factor_is_set_up_and_asked_for(
    console: Callable[[House], Page], stranger: Page, houses: Houses
) -> None:
    acme, _ = houses
    page = console(acme)
    page.get_by_test_id("user").click()
    expect(page.locator(".qr svg")).to_be_visible()
    page.get_by_label("Enter the code that it shows").fill(code(twofactor.begin(acme.user)))
    page.get_by_role("button", name="Turn it on").click()
    recovery = page.get_by_test_id("codes").locator("li").first.inner_text()
    stranger.goto("/console/login/")
    stranger.get_by_label("Username").fill(acme.user.username)
    stranger.get_by_label("Password").fill("correct horse battery")
    stranger.get_by_role("button", name="Sign in").click()
    stranger.get_by_label("Code").fill(recovery)
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.get_by_test_id("tenant")).to_have_text(acme.tenant.name)
