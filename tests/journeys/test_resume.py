"""A visitor whose line is cut, whose server dies, or to whom a person turns, in the middle of an answer."""

import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from apps.chats import events
from chatwithus.embedded import Services
from tests import scripted
from tests.journeys.test_visitor import WATCH, ask
from tests.server import Server, serving
from tests.world import House

Houses = tuple[House, House]
ShopPage = Callable[[House], Page]
SLOW = "tokens=120 rate=40"  # three seconds
ENDLESS = "tokens=4000 rate=20"
PATIENCE_MS = 30_000
NOBODY = "Nobody is here right now. We will answer as soon as we can."  # nobody has the inbox open


class Line:
    """One address that leads to one server after another, and can be cut without a word."""

    def __init__(self, server: Server) -> None:
        self.leads_to = server
        self._ends: set[socket.socket] = set()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._admit, daemon=True).start()

    def cut(self) -> None:
        for end in tuple(self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._door.close()
        self.cut()

    def _admit(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._door.accept()
                threading.Thread(target=self._connect, args=(here,), daemon=True).start()

    def _connect(self, here: socket.socket) -> None:
        target = ("127.0.0.1", self.leads_to.port)
        with here, suppress(OSError), socket.create_connection(target) as there:
            self._ends |= {here, there}
            back = threading.Thread(target=_pour, args=(there, here), daemon=True)
            back.start()
            _pour(here, there)
            back.join()
            self._ends -= {here, there}


def _pour(source: socket.socket, into: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            into.sendall(data)
    for end in (source, into):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class Colleague:
    """A member of staff at the inbox's socket, in the browser that signed in."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.evaluate(
            """() => new Promise((opened) => {
              window.heard = [];
              window.inbox = new WebSocket(`${location.origin.replace("http", "ws")}/ws/inbox`);
              window.inbox.onmessage = ({data}) => window.heard.push(JSON.parse(data));
              window.inbox.onopen = opened;
            })"""
        )

    def does(self, kind: str, **fields: Any) -> None:
        self.page.evaluate("frame => window.inbox.send(JSON.stringify(frame))", {"type": kind, **fields})

    def hears(self, kind: str) -> None:
        """Wait for a frame of this type."""
        self.page.wait_for_function("kind => window.heard.some(({type}) => type === kind)", arg=kind)


@pytest.fixture
def line(server: Server, context: BrowserContext) -> Iterator[Line]:
    """The widget's socket goes through this line, wherever it leads; its script comes from the run's own server."""
    made = Line(server)
    context.add_init_script(f"window.chatWithUsSettings = {json.dumps({'host': made.url})}")
    yield made
    made.close()


def slow_agent(house: House, script: str) -> str:
    """Let the house's agent answer by this script; returns the whole answer."""
    house.tenant.providers = ["builtin", "scripted"]
    house.tenant.save()
    house.agent.provider, house.agent.model, house.agent.only_from_knowledge = "scripted", script, False
    with house.scope():
        house.agent.save()
    return scripted.answer(script)


def open_chat(page: Page) -> None:
    page.get_by_role("button", name="Open chat").click()
    expect(page.locator("chat-with-us [data-connection=online]")).to_be_visible()


def reply(page: Page, state: str = "completed") -> Locator:
    return page.locator(f"chat-with-us [data-role=agent][data-state={state}] [data-testid=text]").last


def begin(page: Page) -> None:
    """Ask, and see the answer under way."""
    open_chat(page)
    page.evaluate(WATCH)
    ask(page, "What do you know about boots?")
    expect(reply(page, "streaming")).to_contain_text("w20 ")


def chat_of(page: Page, house: House) -> str:
    kept: str = page.evaluate("key => localStorage.getItem(key)", f"chatwithus:{house.agent.id}")
    return str(json.loads(kept)["chat"])


def seen(page: Page) -> list[str]:
    states: list[str] = page.evaluate("window.states")
    return states


def breaks(states: list[str]) -> list[tuple[str, str]]:
    """Where something that was shown went away again."""
    return [(earlier, later) for earlier, later in pairwise(states) if not later.startswith(earlier)]


def test_a_cut_line_costs_no_word_and_doubles_none(shop_page: ShopPage, line: Line, houses: Houses) -> None:
    acme, _ = houses
    whole = slow_agent(acme, SLOW)
    page = shop_page(acme)
    begin(page)
    line.cut()
    expect(reply(page)).to_have_text(whole, timeout=PATIENCE_MS)
    assert seen(page)[-1] == whole
    assert breaks(seen(page)) == []


def test_the_text_goes_on_at_another_process(
    shop_page: ShopPage, line: Line, houses: Houses, services: Services
) -> None:
    acme, _ = houses
    whole = slow_agent(acme, SLOW)
    page = shop_page(acme)
    begin(page)
    with serving(services) as other:
        line.leads_to = other
        line.cut()
        expect(reply(page)).to_have_text(whole, timeout=PATIENCE_MS)
    assert breaks(seen(page)) == []


def test_a_killed_server_is_replaced_and_the_answer_is_whole(
    shop_page: ShopPage, line: Line, houses: Houses, services: Services
) -> None:
    """Another process gives the reply again: what was there is replaced, never continued twice."""
    acme, _ = houses
    whole = slow_agent(acme, SLOW)
    page = shop_page(acme)
    with serving(services, LEASE_SECONDS="2") as first, serving(services, LEASE_SECONDS="2") as second:
        line.leads_to = first
        begin(page)
        line.leads_to = second
        os.kill(first.web.process.pid, signal.SIGKILL)
        expect(reply(page)).to_have_text(whole, timeout=PATIENCE_MS)
    assert all(whole.startswith(state) for state in seen(page)), seen(page)
    expect(page.locator("chat-with-us [data-role=agent]")).to_have_count(1)


def test_a_restarting_server_is_hardly_noticed(
    shop_page: ShopPage, line: Line, houses: Houses, services: Services
) -> None:
    acme, _ = houses
    whole = slow_agent(acme, SLOW)
    page = shop_page(acme)
    with serving(services) as second:
        with serving(services) as first:
            line.leads_to = first
            begin(page)
            line.leads_to = second
        expect(reply(page)).to_have_text(whole, timeout=PATIENCE_MS)
    assert all(whole.startswith(state) for state in seen(page)), seen(page)


def test_a_second_message_is_queued_and_answered_in_its_turn(shop_page: ShopPage, houses: Houses) -> None:
    acme, _ = houses
    slow_agent(acme, SLOW)
    page = shop_page(acme)
    begin(page)
    ask(page, "And about tents?")
    expect(page.locator("chat-with-us [data-role=visitor][data-state=queued]")).to_contain_text("Queued")
    expect(page.locator("chat-with-us [data-role=agent][data-state=completed]")).to_have_count(
        2, timeout=PATIENCE_MS
    )
    expect(page.get_by_text("Queued")).to_have_count(0)


def test_two_tabs_of_a_visitor_show_the_same(shop_page: ShopPage, houses: Houses) -> None:
    acme, _ = houses
    whole = slow_agent(acme, SLOW)
    first = shop_page(acme)
    begin(first)
    second = first.context.new_page()
    second.goto(first.url)
    open_chat(second)
    ask(second, "And about tents?")
    for page in (first, second):
        expect(page.get_by_text("And about tents?")).to_be_visible()
        replies = page.locator("chat-with-us [data-role=agent][data-state=completed] [data-testid=text]")
        expect(replies).to_have_text([whole, whole], timeout=PATIENCE_MS)


def test_staff_take_over_in_the_middle_of_a_word_and_hand_back(
    shop_page: ShopPage, console: Callable[[House], Page], houses: Houses
) -> None:
    acme, _ = houses
    slow_agent(acme, ENDLESS)
    name = events.speaker(acme.user)
    page = shop_page(acme)
    page.evaluate("window.addEventListener('chatwithus:handoff', ({detail}) => (window.handoff = detail))")
    begin(page)
    staff, chat = Colleague(console(acme)), chat_of(page, acme)
    staff.does("chat.open", chat=chat)
    staff.does("take.over", chat=chat)
    expect(page.get_by_test_id("note")).to_have_text(f"{name} has joined")
    assert page.evaluate("window.handoff") == {"state": "staff", "by": "staff", "name": name}
    kept = reply(page, "stopped").text_content()
    expect(page.get_by_text("Stopped: a person takes over")).to_be_visible()
    expect(page.get_by_test_id("handler")).to_have_text(f"Talking with {name}")

    staff.does("typing", chat=chat)
    expect(page.get_by_test_id("presence")).to_have_text(f"{name} is typing")
    staff.does("message.send", chat=chat, client_message_id="s1", text="Let me look into that.")
    expect(page.locator("chat-with-us [data-role=staff]")).to_contain_text("Let me look into that.")
    expect(page.get_by_test_id("presence")).to_be_hidden()
    assert reply(page, "stopped").text_content() == kept, "nothing late was written into it"
    page.get_by_role("textbox", name="Message").press_sequentially("Thank you")
    staff.hears("typing")
    page.keyboard.press("Enter")
    expect(page.locator("chat-with-us [data-role=visitor][data-state=sent]")).to_have_count(2)
    expect(page.locator("chat-with-us [data-role=agent][data-state=streaming]")).to_have_count(0)

    slow_agent(acme, "tokens=20")
    staff.does("hand.back", chat=chat)
    expect(page.get_by_test_id("note").last).to_contain_text("is answering again")
    staff.does("resolve", chat=chat)
    expect(page.get_by_test_id("note").last).to_have_text("This conversation has ended")
    expect(page.get_by_test_id("presence")).to_have_text("Write to start again.")
    ask(page, "One more question")
    expect(page.locator("chat-with-us .exchange").last).to_contain_text("w19")
    expect(page.get_by_test_id("presence")).to_be_hidden()


def test_a_visitor_asks_for_a_person_by_keyboard_and_is_told(shop_page: ShopPage, houses: Houses) -> None:
    acme, _ = houses
    slow_agent(acme, "tokens=5")
    page = shop_page(acme)
    open_chat(page)
    person = page.get_by_role("button", name="Talk to a person")
    ask(page, "Hello?")
    expect(reply(page)).to_have_text("w0 w1 w2 w3 w4 ")
    person.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("presence")).to_have_text(NOBODY)
    expect(page.get_by_test_id("announcer")).to_contain_text(NOBODY)
    expect(page.get_by_test_id("handler")).to_have_text("Waiting for a person")
    expect(person).to_be_hidden()
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    page.reload()
    page.get_by_role("button", name="Open chat").click()
    expect(page.get_by_test_id("presence")).to_have_text(NOBODY)


def test_a_person_can_be_asked_for_before_anything_is_said(shop_page: ShopPage, houses: Houses) -> None:
    acme, _ = houses
    page = shop_page(acme)
    open_chat(page)
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_test_id("presence")).to_have_text(NOBODY)
    ask(page, "My tent is broken.")
    expect(page.locator("chat-with-us [data-role=visitor][data-state=sent]")).to_be_visible()
    expect(page.locator("chat-with-us [data-role=agent][data-state=streaming]")).to_have_count(0)


def test_a_thumb_is_kept_and_can_be_turned(shop_page: ShopPage, houses: Houses) -> None:
    acme, _ = houses
    slow_agent(acme, "tokens=5")
    page = shop_page(acme)
    with page.expect_websocket() as opening:
        open_chat(page)
    ask(page, "Hello?")
    up, down = (page.get_by_role("button", name=name, exact=True) for name in ("Helpful", "Not helpful"))
    for thumb, value in ((up, 1), (down, -1)):
        with opening.value.expect_event("framereceived", partial(_is_feedback, value)):
            thumb.click()
    expect(up).to_have_attribute("aria-pressed", "false")
    page.reload()
    page.get_by_role("button", name="Open chat").click()
    expect(down).to_have_attribute("aria-pressed", "true")


def _is_feedback(value: int, received: str) -> bool:
    frame = json.loads(received)
    return bool(frame["type"] == "feedback" and frame["value"] == value)
