"""Whatever strangers write is text: in messages, answers, names, sources, errors, and wherever the stream cuts it.

Here a part of them, and the doors that they really come through; `benchmarks/storm.py` takes all of them, cut at every place."""

import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from apps.chats.models import Chat
from tests.journeys.test_resume import Colleague
from tests.widget import payloads
from tests.widget.site import Site
from tests.widget.talking import PATIENCE_MS, answers, ask, open_chat, requests
from tests.world import House

DOCUMENT = """# Warranty
The warranty lasts two years <img src={sink}/i.png onerror=hit()> and ![x]({sink}/i.png) [more](javascript:hit()) <script>hit()</script>.
"""


@pytest.fixture
def sunk(context: BrowserContext) -> list[str]:
    """What was asked of the payloads' host; it has to stay empty."""
    asked: list[str] = []

    def sink(route: Any) -> None:
        asked.append(route.request.url)
        route.abort()

    context.route(lambda url: "sink.example" in url, sink)
    return asked


def test_nothing_that_is_said_runs_or_calls_home(site: Site, page: Page, stage: str, sunk: list[str]) -> None:
    page.add_init_script(stage)
    page.goto(site.page())
    assert len(set(payloads.every())) >= 500, "of which the storm takes all"
    texts = payloads.some(130)
    found = page.evaluate("texts => storm(texts, 7, 40)", texts)
    assert found["renderings"] > 5 * len(texts)
    assert found["wrong"] == []
    assert found["hits"] == []
    assert sunk == []


MARKDOWN = [
    "**Bold** and *calm*, `code [1]` and a list:\n\n- one\n- two [1]\n\n1. first\n2. second\n\nSee https://shop.example/a_b?c=d.",
    "| Size | Price |\n|---|---|\n| S | $5 |\n| M | US$10 and $USD |\n\nfile_name_with_underscores.pdf [2] [12]",
    "# Title\n\n> quoted [x](https://shop.example) and [y](javascript:hit())\n\n```js\nlet a = [1];\n```\n\n5 * 3 < 7 & *un*closed **bold",
    "日本語 **太字** と [リンク](https://shop.example/日本) 👩‍👩‍👧 نص [1] \\*not\\* $x$ \\(y\\)",
]


@pytest.mark.parametrize("text", MARKDOWN)
def test_markdown_looks_the_same_wherever_the_stream_cuts_it(
    site: Site, page: Page, stage: str, text: str
) -> None:
    page.add_init_script(stage)
    page.goto(site.page())
    open_chat(page)
    looks: list[str] = page.evaluate(
        """async (text) => {
          const found = new Set();
          for (let cut = 0; cut <= text.length; cut += 3) found.add(await rendered(text, cut));
          return [...found];
        }""",
        text,
    )
    assert len(looks) == 1, looks


@pytest.mark.parametrize("seed", range(3))
def test_no_text_is_lost_or_hangs_the_page_whatever_it_is(
    site: Site, page: Page, stage: str, seed: int
) -> None:
    """Random Markdown, nested as deep as it goes: each letter of it is there to be read."""
    dice = random.Random(seed)
    marks = [
        "**",
        "*",
        "_",
        "~~",
        "`",
        "```\n",
        "> ",
        "- ",
        "1. ",
        "# ",
        "|",
        "[",
        "](",
        ")",
        "$",
        "\\",
        "\n",
        "\n\n",
        "    ",
        "<",
        "![",
        "http://",
        " ",
    ]
    texts = [
        "".join(dice.choice(marks) + (f"w{number}" if dice.random() < 0.6 else "") for number in range(60))
        for _ in range(40)
    ] + ["> " * 60 + "deep0", "- " * 60 + "deep1", "**" * 99, "[" * 99, "*_" * 60 + "w0"]
    page.add_init_script(stage)
    page.goto(site.page())
    open_chat(page)
    shown: list[str] = page.evaluate(
        "async (texts) => { const all = []; for (const text of texts) all.push(await rendered(text, 9)); return all; }",
        texts,
    )
    for text, html in zip(texts, shown, strict=True):
        for word in words(text):
            assert word in html, (text, html)


def words(text: str) -> list[str]:
    return re.findall(r"(?:w|deep)\d+", text)


def test_what_comes_through_the_real_doors_is_text_too(
    site: Site, page: Page, house: House, sunk: list[str], console: Callable[[House], Page]
) -> None:
    """The visitor's message, the agent's answer out of a poisoned document and its title, staff's answer and name, the greeting."""
    nasty = f"<img src={payloads.SINK}/i.png onerror=hit()>"
    house.agent.greeting = house.agent.name = house.user.first_name = nasty
    house.user.save()
    with house.scope():
        house.agent.save()
    house.knows(DOCUMENT.format(sink=payloads.SINK), name=f'"><script>hit()</script>{nasty}')
    page.add_init_script("window.hits = []; window.hit = () => window.hits.push(1)")
    page.goto(site.page())
    open_chat(page)
    expect(page.get_by_test_id("greeting")).to_have_text(nasty)
    ask(page, "How long does the warranty last?")
    expect(answers(page)).to_contain_text("two years", timeout=PATIENCE_MS)
    page.locator("chat-with-us summary").first.click()
    ask(page, nasty)
    expect(requests(page).last).to_have_text(nasty)
    with house.scope():
        chat = str(Chat.objects.get().id)
    colleague = Colleague(console(house))
    for kind in ("chat.open", "take_over", "typing"):
        colleague.does(kind, chat=chat)
    colleague.does("message.send", chat=chat, client_message_id="s1", text=f"{nasty} javascript:hit()")
    expect(page.locator("chat-with-us [data-role=staff]")).to_contain_text(nasty, timeout=PATIENCE_MS)
    assert page.evaluate("window.hits") == []
    assert sunk == []
    assert page.locator("chat-with-us img, chat-with-us script").count() == 0
