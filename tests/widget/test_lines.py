"""Networks that bar the socket, or more; tabs side by side; devices that go away and come back: nothing is lost, and nothing is there twice."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from apps.chats.models import Chat
from tests.journeys.test_resume import Colleague
from tests.server import Server, Visitor, wait_until
from tests.tokens import signed, vouching
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
SLOW = "tokens=150 rate=30"


def bar_sockets(page: Page | BrowserContext) -> None:
    """As a proxy does that lets the handshake through and then nothing."""
    page.route_web_socket("**/ws/**", lambda socket: socket.close())


def bar_streams(page: Page) -> None:
    page.route("**/events", lambda route: route.abort())


def remembered(page: Page, house: House) -> dict[str, Any]:
    kept = page.evaluate("key => localStorage.getItem(key)", f"chatwithus:{house.agent.id}")
    return dict(json.loads(kept or "{}"))


def told(server: Server, house: House, page: Page) -> list[dict[str, Any]]:
    """The chat as the server has it."""
    kept = remembered(page, house)
    with server.visitor(house, token=kept["token"], chat=kept["chat"]) as visitor:
        return list(visitor.welcome["messages"])


def test_without_sockets_the_answer_streams_all_the_same(
    site: Site, page: Page, house: House, server: Server
) -> None:
    whole = answers_by(house, SLOW)
    bar_sockets(page)
    page.goto(site.page())
    open_chat(page)
    ask(page, "What do you know about boots?")
    expect(page.get_by_role("button", name="Stop")).to_be_visible(timeout=PATIENCE_MS)
    expect(answers(page, "streaming")).to_contain_text("w20 ", timeout=PATIENCE_MS)
    is_answered(page, whole)
    ask(page, "And about tents?")
    is_answered(page, whole, count=2)
    assert [one["request"] for one in told(server, house, page)] == [
        "What do you know about boots?",
        "And about tents?",
    ]
    page.reload()
    open_chat(page)
    is_answered(page, whole, count=2)


def test_without_sockets_it_can_be_stopped_and_a_person_asked_for(
    site: Site, page: Page, house: House
) -> None:
    answers_by(house, "tokens=4000 rate=20")
    bar_sockets(page)
    page.goto(site.page())
    open_chat(page)
    expect(
        page.get_by_role("button", name="Talk to a person")
    ).to_be_hidden()  # there is no chat to bring before one
    ask(page, "What do you know about boots?")
    expect(answers(page, "streaming")).to_contain_text("w5 ", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("chat-with-us [data-state=stopped]")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Talk to a person").click()
    leaves_an_address(page)


def leaves_an_address(page: Page) -> None:
    """Nobody is there: what is no address is said to be none, and the line holds."""
    expect(page.get_by_test_id("presence")).to_contain_text("Nobody is here", timeout=PATIENCE_MS)
    address = page.get_by_role("textbox", name="Your e-mail address, so that we can answer you there")
    address.fill("grace@nowhere")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_test_id("notice")).to_contain_text("is not an e-mail address", timeout=PATIENCE_MS)
    is_online(page)
    address.fill("grace@example.org")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("We will also answer by e-mail.")).to_be_visible(timeout=PATIENCE_MS)


def test_without_sockets_and_streams_a_person_is_waited_for_and_comes(
    site: Site, page: Page, house: House, console: Callable[[House], Page]
) -> None:
    whole = answers_by(house, "tokens=5")
    house.user.first_name = "Ada"
    house.user.save()
    bar_sockets(page)
    bar_streams(page)
    page.goto(site.page())
    open_chat(page)
    ask(page, "Where is my parcel?")
    is_answered(page, whole)
    page.get_by_role("button", name="Talk to a person").click()
    leaves_an_address(page)
    colleague, chat = Colleague(console(house)), remembered(page, house)["chat"]
    colleague.does("chat.open", chat=chat)
    colleague.does("take_over", chat=chat)
    expect(page.get_by_test_id("handler")).to_have_text("Talking with Ada", timeout=PATIENCE_MS)
    colleague.does("resolve", chat=chat)
    expect(page.get_by_text("How was this conversation?")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="4: Good").click()
    expect(page.get_by_text("Thank you for telling us.")).to_be_visible(timeout=5000)


@pytest.mark.parametrize("barred", ["nothing", "sockets", "sockets and streams"])
def test_what_is_said_in_a_chat_that_was_forgotten_meanwhile_is_said_in_a_new_one(
    site: Site, page: Page, house: House, barred: str
) -> None:
    whole = answers_by(house, "tokens=5")
    if barred != "nothing":
        bar_sockets(page)
    if barred == "sockets and streams":
        bar_streams(page)
    page.goto(site.page())
    open_chat(page)
    ask(page, "First")
    is_answered(page, whole)
    with house.scope():
        Chat.objects.all().delete()
    ask(page, "And now?")
    expect(page.get_by_test_id("notice")).to_contain_text("This is a new one.", timeout=PATIENCE_MS)
    is_answered(page, whole)
    expect(requests(page)).to_have_text("And now?")


def test_without_sockets_and_streams_plain_requests_do(
    site: Site, page: Page, house: House, server: Server
) -> None:
    whole = answers_by(house, "tokens=20")
    bar_sockets(page)
    bar_streams(page)
    page.goto(site.page())
    open_chat(page)
    ask(page, "What do you know about boots?")
    is_answered(page, whole)
    ask(page, "And about tents?")
    is_answered(page, whole, count=2)
    expect(requests(page)).to_have_count(2)
    assert [one["request"] for one in told(server, house, page)] == [
        "What do you know about boots?",
        "And about tents?",
    ]


def test_what_is_written_offline_is_seen_to_wait_survives_a_reload_and_is_sent_once(
    site: Site, page: Page, house: House, server: Server, context: BrowserContext, violations: Axe
) -> None:
    whole = answers_by(house, "tokens=20")
    page.goto(site.page())
    open_chat(page)
    ask(page, "First")
    is_answered(page, whole)
    context.set_offline(True)
    page.route_web_socket("**/ws/**", lambda socket: socket.close())
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    ask(page, "Written on a train")
    expect(requests(page, "pending")).to_have_text("Written on a train")
    expect(page.get_by_test_id("status").filter(has_text="Waiting for a connection")).to_be_visible(
        timeout=60_000
    )
    expect(page.get_by_test_id("connection")).to_contain_text("You are offline")
    assert violations(page) == [], "offline"
    field(page).fill("An unfinished thought")
    page.unroute_all()
    context.set_offline(False)
    page.reload()
    open_chat(page)
    expect(field(page)).to_have_value("An unfinished thought")
    is_answered(page, whole, count=2)
    assert [one["request"] for one in told(server, house, page)] == ["First", "Written on a train"]


def test_a_second_tab_joins_the_chat_that_the_first_began_and_both_agree(
    site: Site, page: Page, house: House, context: BrowserContext
) -> None:
    whole = answers_by(house, "tokens=20")
    address = site.page()
    page.goto(address)
    other = context.new_page()
    other.goto(address)
    for tab in (page, other):
        open_chat(tab)
    ask(page, "From the first")
    is_answered(other, whole)
    ask(other, "From the second")
    for tab in (page, other):
        is_answered(tab, whole, count=2)
        expect(requests(tab)).to_have_text(["From the first", "From the second"])
    # A page that moves the element, or swaps its own body, has it taken out and put back.
    page.evaluate("document.querySelector('chat-with-us').remove()")
    is_online(page)
    other.evaluate("ChatWithUs.newConversation()")
    for tab in (page, other):
        expect(requests(tab)).to_have_count(0)


IDENTIFY = "jwt => ChatWithUs('identify', {jwt})"
SEND_AT = "([text, at]) => setTimeout(() => ChatWithUs.send(text), at - Date.now())"


@pytest.mark.parametrize("who", ["strangers", "a person whom the shop vouches for"])
def test_two_tabs_that_begin_at_the_same_moment_begin_one_chat(
    site: Site, page: Page, house: House, context: BrowserContext, who: str
) -> None:
    answers_by(house, "tokens=5")
    jwt = signed(vouching(house)) if who != "strangers" else ""
    address = site.page()
    tabs = {"From the first": page, "From the second": context.new_page()}
    for tab in tabs.values():
        tab.goto(address)
        if jwt:
            tab.evaluate(IDENTIFY, jwt)
        open_chat(tab)
    soon = time.time() * 1000 + 500
    for text, tab in tabs.items():
        tab.evaluate(SEND_AT, [text, soon])
    for tab in tabs.values():
        expect(answers(tab)).to_have_count(2, timeout=PATIENCE_MS)
        assert set(requests(tab).all_text_contents()) == set(tabs)
    with house.scope():
        assert Chat.objects.count() == 1


def test_a_person_is_found_again_without_sockets_too_and_one_who_is_not_vouched_for_talks_on(
    site: Site, page: Page, house: House, context: BrowserContext
) -> None:
    words = answers_by(house, "tokens=5")
    jwt = signed(vouching(house))
    address = site.page()
    bar_sockets(context)
    page.goto(address)
    page.evaluate(IDENTIFY, jwt)
    open_chat(page)
    ask(page, "Where is my parcel?")
    is_answered(page, words)
    page.reload()
    page.evaluate(IDENTIFY, jwt)
    open_chat(page)
    is_answered(page, words)
    expect(requests(page)).to_have_text("Where is my parcel?")
    page.evaluate("ChatWithUs.newConversation()")
    expect(requests(page)).to_have_count(0)
    page.evaluate("ChatWithUs.reset()")
    page.evaluate(IDENTIFY, jwt + "x")
    open_chat(page)
    ask(page, "And now?")
    is_answered(page, words)


def test_what_one_tab_has_shown_is_unread_in_none(
    site: Site, page: Page, house: House, context: BrowserContext, server: Server, violations: Axe
) -> None:
    answers_by(house, "tokens=5")
    address = site.page()
    page.goto(address)
    other = context.new_page()
    other.goto(address)
    for tab in (page, other):
        open_chat(tab)
    ask(page, "Hello")
    expect(answers(other)).to_have_count(1)
    for tab in (page, other):
        tab.get_by_role("button", name="Close chat").click()
    kept = remembered(page, house)
    with server.visitor(house, token=kept["token"], chat=kept["chat"]) as visitor:
        say(visitor, "From my phone")
    for tab in (page, other):
        expect(tab.get_by_role("button", name="Open chat, 1 new message")).to_be_visible()
    assert violations(page) == [], "unread"
    page.locator("chat-with-us .launcher").click()
    expect(other.get_by_role("button", name="Open chat", exact=True)).to_be_visible()


def say(visitor: Visitor, text: str) -> None:
    visitor.ask(text)


@pytest.mark.parametrize("barred", ["nothing", "sockets"])
def test_a_token_that_ended_meanwhile_costs_no_draft_and_no_message(
    site: Site, page: Page, house: House, barred: str
) -> None:
    """The old chat belongs to a token that is good no more: a new one begins, and says so."""
    whole = answers_by(house, "tokens=5")
    if barred == "sockets":
        bar_sockets(page)
    page.goto(site.page())
    key = f"chatwithus:{house.agent.id}"
    stale = {
        "token": "eyJ.of.yesterday",
        "chat": "0b0cfd5e-5e6c-4a0e-9d0a-0f6b9c0f3a11",
        "draft": "Half a thought",
        "unsent": [{"key": "k1", "text": "Written before"}],
    }
    page.evaluate("([key, kept]) => localStorage.setItem(key, JSON.stringify(kept))", [key, stale])
    page.reload()
    open_chat(page)
    is_answered(page, whole)
    expect(requests(page)).to_have_text("Written before")
    expect(field(page)).to_have_value("Half a thought")
    expect(page.get_by_test_id("notice")).to_contain_text("This is a new one.")


def test_a_page_that_is_not_allowed_says_so_and_asks_no_further(
    site: Site, page: Page, house: House, server: Server, violations: Axe
) -> None:
    house.tenant.allowed_origins.remove(site.origin)
    house.tenant.save()
    page.goto(site.page())
    page.get_by_role("button", name="Open chat").click()
    expect(page.get_by_test_id("notice")).to_have_text(
        "This chat is not set up for this website.", timeout=PATIENCE_MS
    )
    assert violations(page) == [], "refused"
    house.tenant.allowed_origins.append(site.origin)
    house.tenant.save()
    wait_until(lambda: is_let_in(server, house, site.origin))
    page.get_by_role("button", name="Try again").click()
    is_online(page)


def is_let_in(server: Server, house: House, origin: str) -> bool:
    """Changes reach a process that remembers its tenants a moment later."""
    with server.rest() as client:
        asked = {"agent": str(house.agent.id)}
        return client.post("/api/v1/visitors", json=asked, headers={"Origin": origin}).is_success
