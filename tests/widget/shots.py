"""What the widget looks like in each of its states, reached through the real server: `python -m tests.widget.shots FOLDER`.

Made to be looked at, by the rubric that docs/widget.md has; each look is one picture a state and all of them on one sheet."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from apps.chats.models import Chat
from chatwithus.embedded import Services
from tests.journeys.test_resume import Colleague
from tests.server import serving
from tests.services import ROOT
from tests.widget.site import Site
from tests.widget.talking import PATIENCE_MS, answers, answers_by, field
from tests.world import House

FOLDER = "SHOTS"
BODY = "<p>Boots, packs and tents for people who walk.</p>" * 3
DESKTOP = {"width": 640, "height": 760}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": DESKTOP},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "arabic": {"viewport": DESKTOP},
}
QUESTIONS = {
    "en": ["How long do I have to return something?", "Do you repair boots?"],
    "ar": ["ما المدة المتاحة لإرجاع منتج؟", "هل تصلحون الأحذية؟"],
}


@dataclass
class Album:
    """One look's pictures, in the order of the journey."""

    folder: Path
    page: Page
    look: str
    taken: int = 0

    def take(self, state: str, page: Page | None = None) -> None:
        page = page or self.page
        page.wait_for_timeout(250)  # motion is part of the look, but not of the picture
        self.taken += 1
        page.screenshot(path=self.folder / f"{self.look}-{self.taken:02}-{state}.png", clip=self.clip)

    @property
    def clip(self) -> Any:
        """The widget's side of a wide page."""
        width, height = (LOOKS[self.look]["viewport"][name] for name in ("width", "height"))
        shown = min(width, 440)
        return {"x": 0 if self.look == "arabic" else width - shown, "y": 0, "width": shown, "height": height}

    def sheet(self) -> None:
        """All of them side by side."""
        images = [Image.open(path) for path in sorted(self.folder.glob(f"{self.look}-[0-9]*.png"))]
        width, height = images[0].size
        rows = -(-len(images) // 6)
        whole = Image.new("RGB", (6 * width, rows * height), "white")
        for number, image in enumerate(images):
            whole.paste(image, (number % 6 * width, number // 6 * height))
        whole.save(self.folder / f"sheet-{self.look}.png")


@dataclass
class Visit:
    """A visitor on the site, in whatever language: its elements are found by what they are, not by their words."""

    page: Page
    house: House

    def within(self, selector: str) -> Locator:
        return self.page.locator(f"chat-with-us {selector}")

    def open(self) -> None:
        self.within(".launcher").click()
        expect(self.within("[data-connection=online]")).to_be_visible(timeout=PATIENCE_MS)

    def ask(self, text: str) -> None:
        field(self.page).fill(text)
        field(self.page).press("Enter")

    def sees(self, selector: str, *, count: int | None = None) -> None:
        found = self.within(selector)
        if count is None:
            expect(found.last).to_be_visible(timeout=PATIENCE_MS)
        else:
            expect(found).to_have_count(count, timeout=PATIENCE_MS)

    def begin_anew(self) -> None:
        self.page.evaluate("ChatWithUs.newConversation()")
        self.sees("[data-role=visitor]", count=0)

    @property
    def chat(self) -> str:
        with self.house.scope():
            return str(Chat.objects.latest("created_at").id)


@pytest.fixture
def folder() -> Path:
    made = Path(os.environ[FOLDER])
    made.mkdir(parents=True, exist_ok=True)
    return made


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def looking(chromium: Browser, look: str) -> Iterator[BrowserContext]:
    context = chromium.new_context(**LOOKS[look])
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


def dress(house: House, language: str) -> None:
    house.agent.name = "Fern"
    house.agent.greeting = (
        "Hello, I am Fern. Ask me about orders, returns and gear."
        if language == "en"
        else "مرحبًا، أنا فيرن. اسألني عن الطلبات والإرجاع والمعدات."
    )
    house.agent.suggestions = QUESTIONS[language]
    with house.scope():
        house.agent.save()
    house.user.first_name, house.user.last_name = "Ada", "Lovelace"
    house.user.save()
    house.knows((ROOT / "demo/knowledge/returns-and-refunds.md").read_text(), name="Returns and refunds")


def by_knowledge(house: House) -> None:
    house.agent.provider, house.agent.model, house.agent.only_from_knowledge = "builtin", "builtin", True
    with house.scope():
        house.agent.save()


def test_every_state(
    site: Site,
    house: House,
    looking: BrowserContext,
    look: str,
    folder: Path,
    console: Callable[[House], Page],
    services: Services,
) -> None:
    language = "ar" if look == "arabic" else "en"
    dress(house, language)
    model, provider = house.agent.model, house.agent.provider
    page = looking.new_page()
    visit, album = Visit(page, house), Album(folder, page, look)
    page.goto(site.page(lang=language, body=BODY))
    visit.sees(".launcher")
    album.take("closed")

    visit.open()
    visit.sees(".suggestions button")
    album.take("greeting")
    answers_by(house, "tokens=4 first=20")
    visit.ask(QUESTIONS[language][0])
    visit.sees(".exchange .typing:not([hidden])")
    album.take("typing")
    visit.within(".stop").click()
    visit.begin_anew()

    house.agent.provider, house.agent.model, house.agent.only_from_knowledge = provider, model, True
    with house.scope():
        house.agent.save()
    visit.ask("How long do I have to return something?")
    visit.sees("[data-role=agent][data-state=completed] .marker")
    album.take("answered")
    visit.within("summary").first.click()
    album.take("citation")
    visit.within(".sources [aria-expanded=true], details[open] summary").first.click()

    answers_by(house, "tokens=4000 rate=30 text=lorem")
    visit.ask("Tell me about your boots")
    expect(answers(page, "streaming")).to_contain_text("adipiscing elit", timeout=PATIENCE_MS)
    album.take("streaming")
    visit.within(".stop").click()
    visit.sees("[data-state=stopped]")
    album.take("stopped")

    answers_by(house, "tokens=50 fail=3")
    visit.ask("Do you repair boots?")
    visit.sees("[data-role=agent][data-state=failed]")
    album.take("failed")
    field(page).fill("x" * 4001)
    album.take("too-long")
    field(page).fill("")

    train = Visit(looking.new_page(), house)
    train.page.goto(page.url)
    train.open()
    looking.set_offline(True)
    train.page.route_web_socket("**/ws/**", lambda socket: socket.close())
    train.page.evaluate("window.dispatchEvent(new Event('offline'))")
    train.ask("Written on a train")
    expect(train.page.get_by_test_id("connection")).to_be_visible(timeout=PATIENCE_MS)
    album.take("offline", train.page)
    train.page.close()
    looking.set_offline(False)
    page.reload()
    visit.open()
    visit.begin_anew()
    answers_by(house, "tokens=5 text=lorem")
    visit.ask("Where is my parcel?")
    visit.sees("[data-role=agent][data-state=completed]", count=1)
    visit.within(".person").click()
    visit.sees(".email")
    album.take("nobody-there")
    colleague = Colleague(console(house))
    chat = visit.chat
    colleague.does("chat.open", chat=chat)
    page.wait_for_timeout(1500)
    album.take("waiting")
    colleague.does("take_over", chat=chat)
    visit.sees("[data-testid=note]")
    colleague.does("message.send", chat=chat, client_message_id="s1", text="Hello, I am looking for it.")
    visit.sees("[data-role=staff]")
    colleague.does("typing", chat=chat)
    visit.sees(".presence .typing")
    album.take("person")
    visit.within(".icon").last.click()
    colleague.does("message.send", chat=chat, client_message_id="s2", text="It arrives tomorrow.")
    visit.sees(".badge")
    album.take("badge")
    visit.open()
    colleague.does("resolve", chat=chat)
    visit.sees(".score")
    visit.within(".menu .icon").click()
    album.take("csat-menu")
    visit.within(".menu .icon").click()
    visit.within(".scored").nth(3).click()
    visit.begin_anew()

    house.tenant.allowed_origins.remove(site.origin)
    house.tenant.save()
    visit.sees("[data-connection=refused]")
    album.take("refused")
    with serving(services, LIMITS="message-visitor=1/60") as strict:
        house.tenant.allowed_origins.append(site.origin)
        house.tenant.save()
        page.goto(site.page(lang=language, body=BODY, settings=f'data-host="{strict.url}"'))
        page.evaluate("localStorage.clear()")
        page.reload()
        visit.open()
        visit.ask("One")
        visit.sees("[data-role=agent][data-state=completed]", count=1)
        visit.ask("Two")
        page.wait_for_timeout(500)
        album.take("limited")
    visit.sees("[data-testid=connection]")
    album.take("reconnecting")
    album.sheet()


if __name__ == "__main__":
    os.environ[FOLDER] = str(Path(sys.argv[1]).resolve())
    sys.exit(pytest.main(["-q", __file__, *sys.argv[2:]]))
