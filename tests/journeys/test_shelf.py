"""A shelf too long for one page, gone through by keyboard while its sources are being read."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from apps.knowledge.models import Knowledge
from tests.world import House

Houses = tuple[House, House]


def tab_to(page: Page, name: str) -> None:
    link = page.get_by_role("link", name=name, exact=True)
    for _ in range(80):
        if link.evaluate("link => link === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} is not reached by keyboard")


def test_a_long_shelf_is_gone_through_by_keyboard_and_goes_on_telling_what_happens(
    console: Callable[[House], Page], houses: Houses
) -> None:
    acme, _ = houses
    with acme.scope():
        for number in range(52):
            Knowledge.objects.create(name=f"Depot {number}", status="ready", passages=1)
        Knowledge.objects.filter(name="Depot 1").update(status="working")
    page = console(acme)
    page.goto("/console/knowledge/")
    expect(page.get_by_test_id("knowledge-row")).to_have_count(50)
    tab_to(page, "Earlier")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("knowledge-row")).to_have_count(2)
    row = page.get_by_role("row", name="Depot 1")
    expect(row).to_contain_text("Reading")
    tab_to(page, "Depot 1")
    with acme.scope():
        Knowledge.objects.filter(name="Depot 1").update(status="failed", failure="It was cut off.")
    expect(row).to_contain_text("It was cut off.")
    expect(page.get_by_test_id("knowledge-row")).to_have_count(2)
    expect(page.locator("#announcer")).to_have_text("Depot 1: failed")
    expect(page.get_by_role("link", name="Depot 1", exact=True)).to_be_focused()
    tab_to(page, "Newest")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("knowledge-row")).to_have_count(50)
