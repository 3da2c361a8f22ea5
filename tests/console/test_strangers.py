"""What strangers write, on the pages of staff: every payload that the widget is stormed with is text here too."""

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.test import Client

from apps.chats.models import Chat, ContentChat, Note, Visitor
from apps.console.chats import PAGE
from tests.console.signing import body, browser_of
from tests.widget import payloads
from tests.world import House

RUNS = (
    "src",
    "href",
    "action",
    "formaction",
    "data",
    "poster",
    "srcset",
    "background",
    "xlink:href",
    "style",
)


class Markup(HTMLParser):
    """What of a page is not text: its elements, and what their attributes would do."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.wrong: list[tuple[str, str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            does = value or ""
            if name.startswith("on") or (name in RUNS and ("sink.example" in does or "hit(" in does)):
                self.wrong.append((tag, name, value))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def staff(acme: House) -> Client:
    return browser_of(acme)


def stored(house: House, texts: list[str]) -> Chat:
    """Chats of people who are called so, and one in which all of it is said; to be called in the house's scope."""
    people = [
        Visitor(visitor=f"u_{number}", subject=text[:200], name=text[:200], email=text[:254])
        for number, text in enumerate(texts)
    ]
    Visitor.objects.bulk_create(people)
    chats = Chat.objects.bulk_create(Chat(agent=house.agent, visitor=one.visitor) for one in people)
    first, chat = texts[0], chats[0]
    chat.last_exchange, chat.email, chat.csat_comment = len(texts), first[:254], first
    chat.said_by_page = {name: {first[:40]: first[:200]} for name in ("context", "attributes")}
    chat.save()
    Note.objects.create(chat=chat, author=house.user, text=first)
    ContentChat.objects.bulk_create(_said(chat, number, text) for number, text in enumerate(texts, 1))
    return chat


def _said(chat: Chat, number: int, text: str) -> ContentChat:
    cited = [{"number": 1, "title": text, "url": text, "quote": text}]
    said = {"request": text, "response": f"{text} [1]", "citations": cited, "comment": text[:1000]}
    return ContentChat(
        chat=chat, number=number, client_message_id=f"m{number}", state="completed", feedback=-1, **said
    )


def pages() -> Iterator[list[str]]:
    every = [text.replace("\0", "") for text in payloads.every()]  # which no column takes
    for start in range(0, len(every), PAGE):
        yield every[start : start + PAGE]


def test_no_payload_is_more_than_text_on_a_page_of_staff(staff: Client, acme: House) -> None:
    plain: set[str] = set()
    for texts in [["Hello"], *pages()]:
        with acme.scope():
            Chat.objects.all().delete()
            Visitor.objects.all().delete()
            chat = stored(acme, texts)
        found = Markup(body(staff.get(f"/console/chats/{chat.id}/")))
        assert found.wrong == []
        assert found.tags <= (plain := plain or found.tags)
        assert all(word in found.text for text in texts for word in text.split()), texts


def test_names_that_staff_give_are_text_for_the_others(staff: Client, acme: House) -> None:
    nasty = payloads.some(12)
    for name in nasty:
        acme.agent.name = name[:80]
        acme.user.first_name, acme.user.last_name = name[:30], name[:30]
        acme.user.save()
        with acme.scope():
            acme.agent.save()
        for address in (
            "/console/",
            "/console/agents/",
            "/console/organisation/people/",
            f"/console/agents/{acme.agent.id}/widget/",
        ):
            assert Markup(body(staff.get(address))).wrong == [], address
