"""What strangers write, on the pages of staff: every payload that the widget is stormed with is text here too."""

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.test import Client

from apps.chats.models import Chat, Note, Visitor
from apps.console import chats
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
    """A chat of somebody called so, who says and is told all of it; to be called in the house's scope."""
    first = texts[0]
    name = {"visitor": "u_test", "name": first[:200], "email": first[:254]}
    Visitor.objects.create(subject=first[:200], **name)
    said = {"context": {first[:40]: first[:200]}, "attributes": {first[:40]: first[:200]}}
    chat = Chat.objects.create(
        agent=house.agent,
        visitor="u_test",
        last_exchange=len(texts),
        email=first[:254],
        said_by_page=said,
        csat_comment=first,
    )
    Note.objects.create(chat=chat, author=house.user, text=first)
    for number, text in enumerate(texts, 1):
        cited = [{"number": 1, "title": text, "url": text, "quote": text}]
        chat.exchanges.create(
            number=number, client_message_id=f"m{number}", request=text, response=f"{text} [1]", citations=cited,
            state="completed", comment=text[:1000], feedback=-1, reason="",
        )  # fmt: skip
    return chat


def pages() -> Iterator[list[str]]:
    every = list(payloads.every())
    for start in range(0, len(every), chats.PAGE):
        yield every[start : start + chats.PAGE]


def test_no_payload_is_more_than_text_on_a_page_of_staff(staff: Client, acme: House) -> None:
    plain: dict[str, set[str]] = {}
    for texts in [["Hello"], *pages()]:
        with acme.scope():
            Visitor.objects.all().delete()
            chat = stored(acme, texts)
        for address in (
            f"/console/chats/{chat.id}/",
            f"/console/inbox/{chat.id}/",
            "/console/inbox/?tab=all",
        ):
            kind = address.replace(str(chat.id), "")
            found = Markup(body(staff.get(address)))
            assert found.wrong == [], address
            assert found.tags <= plain.setdefault(kind, found.tags), address
            assert texts[0].split()[0] in found.text, address


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
