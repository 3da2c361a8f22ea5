"""What a visitor does with the widget, and where its answers are."""

from playwright.sync_api import Locator, Page, expect

from tests import scripted
from tests.world import House

PATIENCE_MS = 30_000
SLOW = "tokens=150 rate=40"


def open_chat(page: Page) -> None:
    page.get_by_role("button", name="Open chat").click()
    is_online(page)


def is_online(page: Page) -> None:
    expect(page.locator("chat-with-us [data-connection=online]")).to_be_visible(timeout=PATIENCE_MS)


def field(page: Page) -> Locator:
    return page.locator("chat-with-us .box textarea")


def ask(page: Page, question: str) -> None:
    field(page).fill(question)
    field(page).press("Enter")


def answers(page: Page, state: str = "completed") -> Locator:
    return page.locator(f"chat-with-us [data-role=agent][data-state={state}] [data-testid=text]")


def requests(page: Page, state: str = "sent") -> Locator:
    return page.locator(f"chat-with-us [data-role=visitor][data-state={state}] [data-testid=text]")


def is_answered(page: Page, text: str, *, count: int = 1) -> None:
    """The last of `count` finished answers says exactly this."""
    expect(answers(page)).to_have_count(count, timeout=PATIENCE_MS)
    expect(answers(page).last).to_have_text(text.strip(), timeout=PATIENCE_MS)


def answers_by(house: House, script: str) -> str:
    """Let the house's agent answer by this script; returns the whole answer."""
    house.tenant.providers = ["builtin", "scripted"]
    house.tenant.save()
    house.agent.provider, house.agent.model, house.agent.only_from_knowledge = "scripted", script, False
    with house.scope():
        house.agent.save()
    return scripted.answer(script)
