"""What a conversation begins and ends with, each as the organisation offers it: suggested questions, people, a rating, an address, a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from apps.agents import widgets
from apps.chats import inbox
from apps.chats.models import Chat
from apps.tenants import portraits
from tests.api.test_widgets import PIXEL
from tests.journeys.test_resume import Colleague
from tests.server import wait_until
from tests.tenants.acting import at_work, member
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


def chat_of(house: House) -> dict[str, Any]:
    """What staff see of the house's only chat."""
    with house.scope():
        return {**inbox.state(Chat.objects.get().id)}


def test_a_suggested_question_is_asked_by_a_click_and_then_makes_room(
    site: Site, page: Page, house: House
) -> None:
    words = answers_by(house, "tokens=5")
    house.agent.suggestions = ["How long do I have to return something?", "Do you ship to Norway?"]
    with house.scope():
        house.agent.save()
    page.goto(site.page())
    open_chat(page)
    page.get_by_role("button", name="Do you ship to Norway?").click()
    is_answered(page, words)
    expect(requests(page)).to_have_text("Do you ship to Norway?")
    expect(page.get_by_role("group", name="Suggested questions")).to_be_hidden()


class Line:
    """What the page has to the server: it can be taken away, and given back."""

    def __init__(self, page: Page) -> None:
        self._page, self._is_there, self._sockets = page, True, list[WebSocketRoute]()
        page.route_web_socket("**/ws/**", self._opened)

    def _opened(self, socket: WebSocketRoute) -> None:
        if not self._is_there:
            socket.close()
            return
        socket.connect_to_server()
        self._sockets.append(socket)

    def fails(self) -> None:
        self._is_there = False
        self._page.context.set_offline(True)
        self._sockets.pop().close()
        expect(self._page.locator("chat-with-us [data-connection=offline]")).to_be_visible()

    def holds(self) -> None:
        self._is_there = True
        self._page.context.set_offline(False)
        self._page.evaluate("dispatchEvent(new Event('online'))")


def test_a_person_comes_writes_and_ends_and_the_visitor_says_how_it_was(
    site: Site, page: Page, house: House, console: Callable[[House], Page], violations: Axe
) -> None:
    answers_by(house, "tokens=5")
    house.user.first_name, house.user.last_name = "Ada", "Lovelace"
    house.user.save()
    with at_work(house) as by:
        portraits.keep(member(house, house.user), PIXEL, by=by)
    line = Line(page)
    page.goto(site.page(headers=site.strict))
    page.evaluate("ChatWithUs.setContext({page: 'pricing'})")
    open_chat(page)
    ask(page, "Where is my parcel?")
    expect(answers(page)).to_have_count(1)
    chat = str(chat_of(house)["chat"])
    colleague = Colleague(console(house))
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_test_id("presence")).to_contain_text("Your place in the queue: 1", timeout=PATIENCE_MS)
    colleague.does("chat.open", chat=chat)
    colleague.does("take_over", chat=chat)
    expect(page.get_by_test_id("handler")).to_have_text("Talking with Ada", timeout=PATIENCE_MS)
    face = page.locator("chat-with-us .avatar img")
    expect(face).to_have_js_property("naturalWidth", 1)
    assert str(face.get_attribute("src")).startswith(f"{site.host}/avatars/")
    colleague.does("typing", chat=chat)
    expect(page.get_by_test_id("presence")).to_have_text("Ada is typing", timeout=PATIENCE_MS)
    colleague.does(
        "message.send", chat=chat, client_message_id="s1", text="See https://shop.example/parcels."
    )
    link = page.get_by_role("link", name="https://shop.example/parcels")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow ugc", timeout=PATIENCE_MS)
    field(page).press_sequentially("Thanks")
    colleague.hears("typing")
    assert violations(page) == [], "with a person"
    colleague.does("resolve", chat=chat)
    expect(page.get_by_text("How was this conversation?")).to_be_visible(timeout=PATIENCE_MS)
    assert violations(page) == [], "ended"
    line.fails()
    page.get_by_role("button", name="4: Good").click()
    expect(page.get_by_text("Kept, and sent once you are back online.")).to_be_visible()
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Download this conversation").click()
    expect(page.get_by_test_id("notice")).to_contain_text("could not be downloaded")
    line.holds()
    expect(page.get_by_text("Thank you for telling us.")).to_be_visible(timeout=PATIENCE_MS)
    expect(face).to_have_count(0)
    left = chat_of(house)
    assert (left["csat"], left["context"]) == (4, {"page": "pricing"})
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Start a new conversation").click()
    expect(requests(page)).to_have_count(0)
    expect(page.get_by_text("How was this conversation?")).to_be_hidden()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_agents_picture_is_shown_whatever_name_the_page_has_for_the_server(
    site: Site, page: Page, house: House, name: str
) -> None:
    with house.scope():
        widgets.keep_avatar(house.agent, PIXEL)
    site.host = site.host.replace("127.0.0.1", name)
    page.goto(site.page(headers=site.strict))
    open_chat(page)
    picture = page.locator("chat-with-us .avatar img")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("naturalWidth", 1)
    assert str(picture.get_attribute("src")).startswith(f"{site.host}/avatars/")


def test_a_picture_that_was_replaced_leaves_the_initials(site: Site, page: Page, house: House) -> None:
    with house.scope():
        widgets.keep_avatar(house.agent, PIXEL)
    page.route("**/avatars/**", lambda route: route.fulfill(status=404))
    page.goto(site.page())
    open_chat(page)
    expect(page.locator("chat-with-us .avatar")).to_have_text("AH")


def test_where_nobody_is_there_an_address_can_be_left(
    site: Site, page: Page, house: House, violations: Axe
) -> None:
    page.goto(site.page())
    open_chat(page)
    page.get_by_role("button", name="Talk to a person").click()
    address = page.get_by_role("textbox", name="Your e-mail address, so that we can answer you there")
    expect(address).to_be_visible(timeout=PATIENCE_MS)
    assert violations(page) == []
    address.fill("grace@nowhere")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_test_id("notice")).to_contain_text(
        "That is not an e-mail address.", timeout=PATIENCE_MS
    )
    address.fill("grace@example.org")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("We will also answer by e-mail.")).to_be_visible(timeout=PATIENCE_MS)
    assert chat_of(house)["email"] == "grace@example.org"
    page.reload()
    page.locator("chat-with-us .launcher").click()
    expect(page.get_by_text("We will also answer by e-mail.")).to_be_visible(timeout=PATIENCE_MS)


def test_a_thumb_may_say_why(site: Site, page: Page, house: House) -> None:
    answers_by(house, "tokens=5")
    page.goto(site.page())
    open_chat(page)
    ask(page, "Where is my parcel?")
    expect(answers(page)).to_have_count(1)
    page.get_by_role("button", name="Not helpful").click()
    page.get_by_role("textbox", name="What could be better?").fill("It did not say where.")
    page.get_by_role("button", name="Send comment").click()
    expect(page.get_by_text("Thank you. We read every comment.")).to_be_visible()
    wait_until(lambda: rated(house) == (-1, "It did not say where."))


def rated(house: House) -> tuple[int | None, str]:
    with house.scope():
        one = Chat.objects.get().exchanges.get()
        return one.feedback, one.comment


def test_the_conversation_can_be_taken_home(site: Site, page: Page, house: House) -> None:
    words = answers_by(house, "tokens=5")
    page.goto(site.page())
    open_chat(page)
    ask(page, "Where is my parcel?")
    is_answered(page, words)
    page.get_by_role("button", name="More").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download this conversation").click()
    saved = Path(download.value.path()).read_text()
    assert download.value.suggested_filename.endswith(".md")
    assert "Where is my parcel?" in saved
    assert words.strip() in saved


def test_what_is_not_offered_is_not_there(site: Site, page: Page, house: House) -> None:
    words = answers_by(house, "tokens=5")
    with house.scope():
        widgets.change(house.agent, offers=[])
    page.goto(site.page())
    open_chat(page)
    ask(page, "Where is my parcel?")
    is_answered(page, words)
    for name in ("Talk to a person", "Helpful", "Not helpful"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_hidden()
    page.get_by_role("button", name="More").click()
    expect(page.get_by_role("button", name="Start a new conversation")).to_be_visible()
    expect(page.get_by_role("button", name="Download this conversation")).to_be_hidden()


def test_how_the_organisation_dresses_it_is_remembered_before_it_is_opened(
    site: Site, page: Page, house: House
) -> None:
    with house.scope():
        widgets.change(house.agent, color="#aa3300", position="left", title="Ask us")
    page.goto(site.page())
    open_chat(page)
    expect(page.get_by_role("dialog", name="Ask us")).to_be_visible()
    page.reload()
    dressed = page.locator("chat-with-us")
    expect(dressed).to_have_attribute("data-left", "")
    assert dressed.evaluate("it => it.style.getPropertyValue('--cwu-accent')") == "rgb(170 51 0)"
    is_online_again(page)


def is_online_again(page: Page) -> None:
    open_chat(page)
    is_online(page)
