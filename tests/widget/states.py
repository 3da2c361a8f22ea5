"""What the widget looks like in each of its states, reached through the real server, for shots.py: made to be looked at, each look is one
picture a state and all of them on one sheet."""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from apps.chats.models import Chat
from apps.tenants import portraits
from chatwithus.embedded import Services
from tests.journeys.test_resume import Colleague
from tests.server import serving
from tests.services import ROOT
from tests.tenants.acting import at_work, member
from tests.widget import shots
from tests.widget.site import Site
from tests.widget.talking import PATIENCE_MS, answers, answers_by, field
from tests.world import House

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
    made = Path(os.environ[shots.FOLDER])
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


def portrait() -> bytes:
    """Somebody before a wall."""
    picture = Image.new("RGB", (144, 144), "#d8c3a5")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((8, 96, 136, 224), fill="#3f5d75")
    draw.ellipse((44, 26, 100, 98), fill="#8d5a3b")
    draw.chord((40, 18, 104, 84), 180, 360, fill="#2a1c14")
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


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
    with at_work(house) as by:
        portraits.keep(member(house, house.user), portrait(), by=by)
    house.knows((ROOT / "demo/knowledge/returns-and-refunds.md").read_text(), name="Returns and refunds")


@dataclass
class Journey(Visit):
    """Through all states, a chapter at a time."""

    album: Album
    address: str
    questions: list[str]

    def chapter_of_greetings(self) -> None:
        mind = {
            name: getattr(self.house.agent, name) for name in ("provider", "model", "only_from_knowledge")
        }
        self.sees(".launcher")
        self.album.take("closed")
        self.open()
        self.sees(".suggestions button")
        self.album.take("greeting")
        answers_by(self.house, "tokens=4 first=20")
        self.ask(self.questions[0])
        self.sees(".exchange .typing:not([hidden])")
        self.album.take("typing")
        self.within(".stop").click()
        self.begin_anew()
        for name, value in mind.items():
            setattr(self.house.agent, name, value)
        with self.house.scope():
            self.house.agent.save()

    def chapter_of_answers(self) -> None:
        self.ask("How long do I have to return something?")
        self.sees("[data-role=agent][data-state=completed] .marker")
        self.album.take("answered")
        self.within("summary").first.click()
        self.album.take("citation")
        self.within("details[open] summary").first.click()
        answers_by(self.house, "tokens=4000 rate=30 text=lorem")
        self.ask("Tell me about your boots")
        expect(answers(self.page, "streaming")).to_contain_text("adipiscing elit", timeout=PATIENCE_MS)
        self.album.take("streaming")
        self.within(".stop").click()
        self.sees("[data-state=stopped]")
        self.album.take("stopped")

    def chapter_of_trouble(self) -> None:
        answers_by(self.house, "tokens=50 fail=3 text=lorem")
        self.ask("Do you repair boots?")
        self.sees("[data-role=agent][data-state=failed]")
        self.album.take("failed")
        field(self.page).fill("x" * 4001)
        self.album.take("too-long")
        field(self.page).fill("")
        self._on_a_train()
        self.page.reload()
        self.open()
        self.begin_anew()

    def _on_a_train(self) -> None:
        train = Visit(self.page.context.new_page(), self.house)
        train.page.goto(self.address)
        train.open()
        self.page.context.set_offline(True)
        train.page.route_web_socket("**/ws/**", lambda socket: socket.close())
        train.page.evaluate("window.dispatchEvent(new Event('offline'))")
        train.ask("Written on a train")
        expect(train.page.get_by_test_id("connection")).to_be_visible(timeout=PATIENCE_MS)
        self.album.take("offline", train.page)
        train.page.close()
        self.page.context.set_offline(False)

    def chapter_of_people(self, staff: Page) -> None:
        answers_by(self.house, "tokens=5 text=lorem")
        self.ask("Where is my parcel?")
        self.sees("[data-role=agent][data-state=completed]", count=1)
        self.within(".person").click()
        self.sees(".email")
        self.album.take("nobody-there")
        colleague, chat = Colleague(staff), self.chat
        colleague.does("chat.open", chat=chat)
        expect(self.within(".email")).to_be_hidden()
        self.album.take("waiting")
        colleague.does("take_over", chat=chat)
        self.sees("[data-testid=note]")
        colleague.does("message.send", chat=chat, client_message_id="s1", text="Hello, I am looking for it.")
        self.sees("[data-role=staff]")
        colleague.does("typing", chat=chat)
        self.sees(".presence .typing")
        self.album.take("person")
        self._until_the_end(colleague, chat)

    def _until_the_end(self, colleague: Colleague, chat: str) -> None:
        self.within(".icon").last.click()
        colleague.does("message.send", chat=chat, client_message_id="s2", text="It arrives tomorrow.")
        self.sees(".badge")
        self.album.take("badge")
        self.open()
        colleague.does("resolve", chat=chat)
        self.sees(".score")
        self.within(".menu .icon").click()
        self.album.take("csat-menu")
        self.within(".menu .icon").click()
        self.within(".scored").nth(3).click()
        self.begin_anew()

    def chapter_of_refusals(self, site: Site) -> None:
        self.house.tenant.allowed_origins.remove(site.origin)
        self.house.tenant.save()
        self.sees("[data-connection=refused]")
        self.album.take("refused")
        self.house.tenant.allowed_origins.append(site.origin)
        self.house.tenant.save()

    def chapter_of_limits(self, strict: str) -> None:
        self.page.goto(strict)
        self.page.evaluate("localStorage.clear()")
        self.page.reload()
        self.open()
        self.ask("One")
        self.sees("[data-role=agent][data-state=completed]", count=1)
        self.ask("Two")
        self.sees("[data-role=visitor][data-state=pending] .status")
        self.album.take("limited")


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
    page, address = looking.new_page(), site.page(lang=language, body=BODY)
    page.goto(address)
    journey = Journey(page, house, Album(folder, page, look), address, QUESTIONS[language])
    journey.chapter_of_greetings()
    journey.chapter_of_answers()
    journey.chapter_of_trouble()
    journey.chapter_of_people(console(house))
    journey.chapter_of_refusals(site)
    with serving(services, LIMITS="message-visitor=1/60") as strict:
        settings = f'data-host="{strict.url}"'
        journey.chapter_of_limits(site.page("/strict", lang=language, body=BODY, settings=settings))
    journey.sees("[data-testid=connection]")
    journey.album.take("reconnecting")
    journey.album.sheet()
