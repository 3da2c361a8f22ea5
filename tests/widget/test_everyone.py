"""By keyboard, by ear, in other languages and scripts, on small screens, in the dark: every state is for everyone."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.server import Server
from tests.widget.site import Site
from tests.widget.talking import (
    PATIENCE_MS,
    answers,
    answers_by,
    ask,
    field,
    is_answered,
    is_online,
    open_chat,
    requests,
)
from tests.world import House

Axe = Callable[[Page], list[dict[str, Any]]]
LOCALES = {
    "de": "Nachricht schreiben",
    "es": "Escriba un mensaje",
    "fr": "Écrire un message",
    "pt": "Escreva uma mensagem",
    "ar": "اكتب رسالة",
    "hi": "संदेश लिखें",
    "zh": "输入消息",
    "ja": "メッセージを入力",
}
HANDBOOK = """# Returns
You have 30 days to return something you bought from us. The 30 days start on the day the parcel arrives.
"""


@pytest.mark.parametrize(
    ("theme", "color"), [("light", ""), ("dark", ""), ("light", "#ffd400"), ("dark", "#123456")]
)
def test_axe_finds_nothing_in_any_state(
    site: Site, page: Page, house: House, server: Server, violations: Axe, theme: str, color: str
) -> None:
    house.knows(HANDBOOK)
    page.goto(site.page(settings=f'data-theme="{theme}" data-color="{color}"'))
    assert violations(page) == [], "closed"
    open_chat(page)
    assert violations(page) == [], "first use"
    ask(page, "How long do I have to return something?")
    expect(answers(page)).to_contain_text("30 days", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Source 1").first.click()
    page.get_by_role("button", name="Not helpful").click()
    expect(page.get_by_role("textbox", name="What could be better?")).to_be_visible()
    page.get_by_role("button", name="More").click()
    assert violations(page) == [], "answered, source open, comment asked, menu open"
    page.keyboard.press("Escape")
    field(page).fill("x" * 4001)
    assert violations(page) == [], "too long"
    field(page).fill("")
    answers_by(house, "tokens=4000 rate=20")
    ask(page, "Go on for long")
    expect(answers(page, "streaming")).to_contain_text("w2 ", timeout=PATIENCE_MS)
    assert violations(page) == [], "streaming"
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_test_id("presence")).to_be_visible(timeout=PATIENCE_MS)
    assert violations(page) == [], "stopped, waiting for a person"


def test_by_keyboard_alone_and_out_again(site: Site, page: Page, house: House) -> None:
    words = answers_by(house, "tokens=5")
    page.goto(site.page(body='<a href="#x">Before</a>'))
    launcher = page.get_by_role("button", name="Open chat")
    launcher.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    is_online(page)
    page.keyboard.type("Hello")
    page.keyboard.press("Enter")
    is_answered(page, words)
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    passed = [focused(page)]
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        passed.append(focused(page))
    assert "Close chat" in passed, passed
    assert None in passed, f"focus is caught: {passed}"
    field(page).focus()
    page.keyboard.press("Escape")
    expect(launcher).to_be_focused()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_what_goes_when_it_is_used_leaves_its_focus_to_the_conversation(
    site: Site, page: Page, house: House
) -> None:
    words = answers_by(house, "tokens=5")
    house.agent.suggestions = ["Do you ship to Norway?"]
    with house.scope():
        house.agent.save()
    page.goto(site.page())
    open_chat(page)
    conversation = page.get_by_role("log", name="Conversation")
    page.get_by_role("button", name="Do you ship to Norway?").press("Enter")
    is_answered(page, words)
    expect(conversation).to_be_focused()
    page.get_by_role("button", name="Not helpful").press("Enter")
    page.get_by_role("textbox", name="What could be better?").fill("It did not say.")
    page.get_by_role("button", name="Send comment").press("Enter")
    expect(page.get_by_text("Thank you. We read every comment.")).to_be_visible()
    expect(conversation).to_be_focused()


def test_a_page_that_closes_it_keeps_the_focus_it_has(site: Site, page: Page) -> None:
    page.goto(site.page(body='<input aria-label="Search">'))
    open_chat(page)
    search = page.get_by_role("textbox", name="Search")
    search.focus()
    page.evaluate("ChatWithUs.close()")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(search).to_be_focused()


def focused(page: Page) -> str | None:
    """The name of what has focus in the widget; None outside of it."""
    name: str | None = page.evaluate(
        """() => {
          const within = document.querySelector("chat-with-us").shadowRoot.activeElement;
          return within && (within.getAttribute("aria-label") ?? within.textContent);
        }"""
    )
    return name


def test_a_screen_reader_is_told_each_answer_once_and_without_its_marks(
    site: Site, page: Page, house: House
) -> None:
    house.knows(HANDBOOK)
    page.goto(site.page())
    open_chat(page)
    page.evaluate(
        """() => {
          window.said = [];
          const live = document.querySelector("chat-with-us").shadowRoot.querySelector("[data-testid=announcer]");
          new MutationObserver(() => window.said.push(live.textContent)).observe(live, {childList: true, characterData: true, subtree: true});
        }"""
    )
    ask(page, "How long do I have to return something?")
    expect(answers(page)).to_contain_text("30 days", timeout=PATIENCE_MS)
    page.wait_for_function("window.said.length > 0")
    said: list[str] = page.evaluate("window.said")
    assert len(said) == 1
    assert said[0].startswith(f"{house.agent.name}: You have 30 days to return something")
    assert "[1]" not in said[0]


@pytest.mark.parametrize("locale", LOCALES)
def test_it_speaks_the_language_of_the_page(site: Site, page: Page, locale: str, violations: Axe) -> None:
    page.goto(site.page(lang=locale))
    page.locator("chat-with-us .launcher").click()
    expect(field(page)).to_have_attribute("placeholder", LOCALES[locale])
    panel = page.locator("chat-with-us .panel")
    expect(panel).to_have_attribute("dir", "rtl" if locale == "ar" else "ltr")
    expect(panel).to_have_attribute("lang", locale)
    assert violations(page) == []
    sides = panel.evaluate(
        "panel => [panel.getBoundingClientRect().left, innerWidth - panel.getBoundingClientRect().right]"
    )
    assert (sides[0] < sides[1]) == (locale == "ar"), "at the end of the line, in either direction"


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_it_fills_what_the_keyboard_leaves_free(
    chromium: Browser, site: Site, house: House, violations: Axe, width: int
) -> None:
    words = answers_by(house, "tokens=300")
    context = chromium.new_context(
        viewport={"width": width, "height": 700}, is_mobile=True, has_touch=True, device_scale_factor=2
    )
    page = context.new_page()
    page.goto(site.page())
    page.get_by_role("button", name="Open chat").tap()
    is_online(page)
    panel = page.locator("chat-with-us .panel")
    assert box(panel) == [0, 0, width, 700]
    assert field(page).evaluate("field => parseFloat(getComputedStyle(field).fontSize)") >= 16, "or iOS zooms"
    field(page).tap()
    # A keyboard comes up: what is visible shrinks and moves, the page does not.
    page.evaluate(
        """() => {
          const visible = window.visualViewport;
          Object.defineProperties(visible, {height: {value: 380, configurable: true}, offsetTop: {value: 40, configurable: true}});
          visible.dispatchEvent(new Event("resize"));
        }"""
    )
    assert box(panel) == [0, 40, width, 380]
    field(page).fill("Go on")
    page.get_by_role("button", name="Send").tap()
    is_answered(page, words)
    assert field(page).evaluate("field => field.getBoundingClientRect().bottom") <= 420
    overflow = panel.evaluate(
        "panel => [...panel.querySelectorAll('*')].some((one) => one.scrollWidth > innerWidth)"
    )
    assert not overflow
    assert violations(page) == []
    context.close()


def box(panel: Any) -> list[float]:
    found: list[float] = panel.evaluate(
        """async panel => {
          await Promise.all(panel.getAnimations().map(({finished}) => finished));  // it arrives from below
          const {x, y, width, height} = panel.getBoundingClientRect();
          return [x, y, width, height];
        }"""
    )
    return found


def test_who_scrolls_up_to_read_is_left_there(site: Site, page: Page, house: House) -> None:
    answers_by(house, "tokens=6000 rate=100")
    page.goto(site.page())
    open_chat(page)
    ask(page, "Go on for long")
    expect(answers(page, "streaming")).to_contain_text("w250 ", timeout=PATIENCE_MS)
    log = page.locator("chat-with-us .log")
    log.evaluate("log => log.scrollTo(0, 0)")
    expect(page.get_by_role("button", name="New messages")).to_be_visible(timeout=PATIENCE_MS)
    assert log.evaluate("log => log.scrollTop") == 0
    page.get_by_role("button", name="New messages").click()
    assert log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 40


def test_who_wants_no_motion_sees_none(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(site.page())
    page.get_by_role("button", name="Open chat").click()
    moving = page.locator("chat-with-us .panel").evaluate(
        "panel => panel.getAnimations({subtree: true}).length"
    )
    assert moving == 0
    context.close()


def test_what_goes_wrong_is_said_in_words(site: Site, page: Page, house: House, violations: Axe) -> None:
    answers_by(house, "tokens=50 fail=3")
    page.goto(site.page())
    open_chat(page)
    ask(page, "What do you know about boots?")
    failed = page.locator("chat-with-us [data-role=agent][data-state=failed]")
    expect(failed).to_be_visible(timeout=PATIENCE_MS)
    assert violations(page) == [], "failed"
    words = answers_by(house, "tokens=5")
    failed.get_by_role("button", name="Try again").click()
    is_answered(page, words)
    expect(requests(page)).to_have_count(2)
