"""A visitor on a shop's page."""

import uuid
from collections.abc import Callable
from itertools import pairwise

from playwright.sync_api import Locator, Page, expect

from chatwithus.embedded.processes import Child
from tests.services import ROOT
from tests.widget.talking import answers_by
from tests.world import House

Houses = tuple[House, House]
HANDBOOK = """# Returns
You have 30 days to return something you bought from us. The 30 days start on the day the parcel arrives.

# Repairs
A repair takes about three weeks. You can follow every repair in your account.
"""
HELP_CENTRE = ROOT / "demo" / "knowledge"
# Every state the answer was seen in, as a page that looks at it would see it.
WATCH = """() => {
  window.states = [];
  const look = () => {
    const said = document.querySelector("chat-with-us").shadowRoot.querySelectorAll("[data-role=agent] [data-testid=text]");
    const text = said.length ? said[said.length - 1].textContent : "";
    if (text && window.states.at(-1) !== text) window.states.push(text);
  };
  new MutationObserver(look).observe(document.querySelector("chat-with-us").shadowRoot, {subtree: true, childList: true, characterData: true});
}"""


def ask(page: Page, question: str) -> None:
    page.get_by_role("textbox", name="Message").fill(question)
    page.keyboard.press("Enter")


def answer(page: Page) -> Locator:
    return page.locator("chat-with-us [data-role=agent][data-state=completed]").last


def test_the_answer_arrives_word_by_word(shop_page: Callable[[House], Page], houses: Houses) -> None:
    acme, _ = houses
    answers_by(acme, "tokens=20 rate=20")
    page = shop_page(acme)
    page.get_by_role("button", name="Open chat").click()
    page.evaluate(WATCH)
    ask(page, "How long do I have to return something?")
    expect(answer(page)).to_contain_text("w19")
    states: list[str] = page.evaluate("window.states")
    assert len(states) >= 3, states
    assert all(later.startswith(earlier) for earlier, later in pairwise(states)), states


def test_the_answer_grows_and_names_its_source(shop_page: Callable[[House], Page], houses: Houses) -> None:
    acme, _ = houses
    for name in ("returns-and-refunds", "shipping-and-delivery", "warranty-and-repairs"):
        acme.knows((HELP_CENTRE / f"{name}.md").read_text(), name=name)
    page = shop_page(acme)
    page.get_by_role("button", name="Open chat").click()
    expect(page.get_by_text(acme.agent.greeting)).to_be_visible()
    page.evaluate(WATCH)
    ask(page, "How long do I have to return something?")
    expect(answer(page)).to_contain_text("30 days to return")
    expect(page.get_by_text("returns-and-refunds").first).to_be_visible()
    states: list[str] = page.evaluate("window.states")
    assert all(later.startswith(earlier) for earlier, later in pairwise(states)), states


def test_a_visitor_who_reloads_the_page_finds_the_chat_again(
    shop_page: Callable[[House], Page], houses: Houses
) -> None:
    acme, _ = houses
    acme.knows(HANDBOOK)
    page = shop_page(acme)
    page.get_by_role("button", name="Open chat").click()
    ask(page, "How long does a repair take?")
    expect(answer(page)).to_contain_text("three weeks")
    page.reload()
    page.get_by_role("button", name="Open chat").click()
    expect(page.locator("chat-with-us [data-role=visitor]").last).to_contain_text(
        "How long does a repair take?"
    )
    expect(answer(page)).to_contain_text("three weeks")


def test_a_question_off_the_topic_gets_the_honest_refusal_and_no_source(
    shop_page: Callable[[House], Page], houses: Houses
) -> None:
    acme, _ = houses
    acme.knows(HANDBOOK, name="Customer handbook")
    page = shop_page(acme)
    page.get_by_role("button", name="Open chat").click()
    ask(page, "Who won the world chess championship in 1972?")
    expect(answer(page)).to_contain_text(acme.agent.refusal)
    expect(page.get_by_text("Customer handbook")).to_have_count(0)


def test_staff_upload_a_document_and_the_visitor_is_answered_from_it_until_it_is_deleted(
    shop_page: Callable[[House], Page], console: Callable[[House], Page], worker: Child, houses: Houses
) -> None:
    acme, _ = houses
    hour = f"07:{uuid.uuid4().int % 50 + 10}"
    staff = console(acme)
    staff.goto("/console/knowledge/add/")
    staff.get_by_label("Name").fill("Depots")
    document = f"The Zanzibar depot opens at {hour} on weekdays.".encode()
    staff.get_by_label("File").set_input_files(
        {"name": "depots.md", "mimeType": "text/markdown", "buffer": document}
    )
    staff.get_by_role("button", name="Add").click()
    staff.goto("/console/knowledge/")
    expect(staff.get_by_role("row", name="Depots")).to_contain_text("Ready", timeout=30_000)

    page = shop_page(acme)
    page.get_by_role("button", name="Open chat").click()
    ask(page, "When does the Zanzibar depot open?")
    expect(answer(page)).to_contain_text(hour)
    expect(page.get_by_text("Depots").first).to_be_visible()

    staff.get_by_role("link", name="Depots").click()
    staff.get_by_role("button", name="Delete").first.click()
    staff.get_by_role("dialog").get_by_role("button", name="Delete").click()
    staff.wait_for_url("**/console/knowledge/")
    ask(page, "When does the Zanzibar depot open on weekdays?")
    expect(page.locator("chat-with-us [data-role=agent][data-state=completed]")).to_have_count(2)
    expect(answer(page)).to_contain_text(acme.agent.refusal)
