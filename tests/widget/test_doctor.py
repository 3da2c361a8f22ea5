"""`?chatwithus-debug` on somebody's page: what is wrong is named, with what to do about it, and what is well is said to be."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.server import Server
from tests.widget.site import Site
from tests.world import House

CHECKS = {"reach", "policy", "origin", "socket", "buffering", "clock", "storage"}


def examined(page: Page) -> dict[str, dict[str, Any]]:
    """What the sheet says in the end, by check."""
    expect(
        page.get_by_role("status").filter(has_text="well").or_(page.get_by_text("to look at"))
    ).to_be_visible(timeout=30_000)
    lines = page.locator("li[data-check]").evaluate_all(
        "lines => lines.map((line) => ({name: line.dataset.check, state: line.dataset.state, text: line.textContent}))"
    )
    return {line["name"]: line for line in lines}


def ill(found: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, line in found.items() if line["state"] != "ok"}


def test_a_page_that_is_set_up_well_is_told_so_under_the_strictest_policy(site: Site, page: Page) -> None:
    page.goto(site.page(headers=site.strict) + "?chatwithus-debug")
    found = examined(page)
    assert set(found) == CHECKS
    assert ill(found) == set()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.locator("li[data-check]")).to_have_count(0)


def test_a_policy_that_stands_in_the_way_is_named_with_what_to_add(site: Site, page: Page) -> None:
    policy = {"Content-Security-Policy": f"default-src 'self'; script-src 'self' {site.host}"}
    page.goto(site.page(headers=policy) + "?chatwithus-debug")
    found = examined(page)
    assert {"policy", "reach"} <= ill(found)
    socket = site.host.replace("http", "ws")
    assert f"connect-src {site.host} {socket}" in found["policy"]["text"]
    assert f"img-src {site.host}" in found["policy"]["text"]


def test_an_origin_that_is_not_on_the_list_is_named_as_it_has_to_be_written(
    site: Site, page: Page, house: House
) -> None:
    house.tenant.allowed_origins.remove(site.origin)
    house.tenant.save()
    page.goto(site.page() + "?chatwithus-debug")
    found = examined(page)
    assert ill(found) == {"origin"}
    assert f"Add {site.origin} to the organisation's origins" in found["origin"]["text"]


def test_a_network_that_bars_sockets_and_holds_streams_back_is_found_out(
    site: Site, page: Page, server: Server
) -> None:
    page.route_web_socket("**/ws/**", lambda socket: socket.close())
    page.route("**/pulse", lambda route: route.fulfill(response=route.fetch()))  # whole, at its end
    page.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('denied') }")
    page.goto(site.page() + "?chatwithus-debug")
    assert ill(examined(page)) == {"socket", "buffering", "storage"}


def test_a_clock_that_is_off_is_noticed(site: Site, page: Page) -> None:
    page.add_init_script("const now = Date.now; Date.now = () => now() - 3_600_000")
    page.goto(site.page() + "?chatwithus-debug")
    found = examined(page)
    assert ill(found) == {"clock"}
    assert "3600 seconds off" in found["clock"]["text"]
