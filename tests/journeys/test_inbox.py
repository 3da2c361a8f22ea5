"""A person steps in: staff at the inbox, a visitor on a shop's page, and an agent whose every word is known."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.journeys.test_visitor import ask
from tests.scripted import answer
from tests.server import Server
from tests.world import House

Houses = tuple[House, House]
SLOW = "tokens=600 rate=15"  # forty seconds: nobody here waits for its end
SHORT = "tokens=20"


def acting(house: House, script: str, name: str = "Ada") -> House:
    """The same house, with a member of staff who has a name, and whose visitors meet an agent with this script."""
    house.user.first_name, house.user.last_name = name, "Lovelace"
    house.user.save()
    return replace(house, agent=house.scripted(script))


def open_chat(inbox: Page, tab: str, preview: str) -> None:
    inbox.get_by_role("group", name="Which chats").get_by_role("button", name=tab).click()
    inbox.get_by_role("link", name=preview).click()


def bubble(visitor: Page, role: str, text: str) -> Locator:
    return visitor.locator(f"chat-with-us [data-role={role}]").filter(has_text=text)


class Line:
    """The inbox's line, which can be cut and mended."""

    def __init__(self, page: Page) -> None:
        self.is_cut = False
        self._sockets: list[WebSocketRoute] = []
        page.route_web_socket("**/ws/inbox", self._route)

    def cut(self) -> None:
        self.is_cut = True
        while self._sockets:
            self._sockets.pop().close(code=1012)

    def _route(self, socket: WebSocketRoute) -> None:
        if self.is_cut:
            socket.close(code=1012)
        else:
            socket.connect_to_server()
            self._sockets.append(socket)


def test_staff_read_along_take_over_answer_hand_back_and_resolve(
    shop_page: Callable[[House], Page], console: Callable[[House], Page], houses: Houses
) -> None:
    acme = acting(houses[0], SLOW)
    inbox, visitor = console(acme), shop_page(acme)
    inbox.get_by_role("link", name="Inbox").click()
    expect(inbox.get_by_test_id("inbox-empty")).to_contain_text("Nobody is waiting")
    inbox.get_by_role("button", name="See the chats with the agent").click()
    visitor.get_by_role("button", name="Open chat").click()
    ask(visitor, "Tell me about tents")

    row = inbox.get_by_role("link", name="Tell me about tents")
    expect(row).to_contain_text("Writing…")
    row.click()
    streaming = inbox.get_by_test_id("response").last
    expect(streaming).to_contain_text("w3 ")
    expect(inbox.get_by_test_id("handler")).to_have_text(f"{acme.agent.name} answers.")
    expect(inbox.locator("#writer-text")).to_be_hidden()
    expect(inbox.locator("#writer-hint")).to_contain_text("Take the chat over")

    inbox.get_by_role("button", name="Take over").click()
    expect(inbox.get_by_test_id("mark").last).to_have_text("Stopped here: taken over")
    writer = inbox.get_by_label("Answer to the visitor")
    expect(writer).to_be_focused()
    writer.fill("Hello, which tent do you mean?")
    inbox.keyboard.press("Enter")
    expect(bubble(visitor, "staff", "Hello, which tent do you mean?")).to_contain_text("Ada")
    kept = visitor.locator("chat-with-us [data-role=agent] [data-testid=text]").first.inner_text()
    assert streaming.first.inner_text() != answer(SLOW)
    assert inbox.get_by_test_id("response").first.inner_text().strip() == kept.strip()

    inbox.get_by_label("Internal note").check()
    inbox.get_by_label("Internal note, for your colleagues").fill("CANARY: a regular")
    inbox.keyboard.press("Enter")
    expect(inbox.get_by_test_id("note")).to_contain_text("CANARY: a regular")
    ask(visitor, "The big one")
    expect(inbox.get_by_test_id("request").last).to_have_text("The big one")
    expect(visitor.get_by_text("CANARY")).to_have_count(0)

    inbox.get_by_role("button", name="Hand back to the agent").click()
    expect(inbox.get_by_test_id("response").last).to_contain_text("w3 ")
    expect(bubble(visitor, "agent", "w3 ").last).to_be_visible()
    inbox.get_by_role("button", name="Take over").click()
    expect(inbox.get_by_test_id("handler")).to_have_text("You answer.")
    inbox.get_by_role("button", name="Resolve").click()
    inbox.get_by_role("dialog").get_by_role("button", name="Resolve").click()
    expect(inbox.get_by_test_id("handler")).to_have_text("This chat has ended.")
    expect(visitor.get_by_text("This conversation has ended", exact=True)).to_be_visible()

    inbox.get_by_role("link", name="Details").click()
    expect(inbox.get_by_test_id("mark").first).to_have_text("Stopped here: taken over.")
    expect(inbox.get_by_test_id("note")).to_contain_text("CANARY: a regular")
    handed_back = f"Handed back to {acme.agent.name}"
    expect(inbox.get_by_test_id("turn").locator("p")).to_have_text(
        ["Ada took over", handed_back, "Ada took over", "Resolved"]
    )


def test_what_is_written_without_a_connection_is_kept_through_a_reload_and_sent_once(
    console: Callable[[House], Page], server: Server, houses: Houses
) -> None:
    acme = acting(houses[0], SHORT)
    inbox = console(acme)
    line = Line(inbox)
    with server.visitor(acme) as visitor:
        chat = visitor.ask("Is anybody there?")[0]["chat"]
        inbox.goto(f"/console/inbox/{chat}/")
        inbox.get_by_role("button", name="Take over").click()
        writer = inbox.get_by_label("Answer to the visitor")
        expect(writer).to_be_focused()
        line.cut()
        expect(inbox.get_by_text("Reconnecting")).to_be_visible()
        writer.fill("Kept through the cut")
        inbox.keyboard.press("Enter")
        inbox.get_by_label("Internal note").check()
        inbox.get_by_label("Internal note, for your colleagues").fill("Noted in the dark")
        inbox.keyboard.press("Enter")
        expect(inbox.get_by_test_id("unsent")).to_have_count(2)
        expect(inbox.get_by_test_id("unsent").first).to_contain_text("Kept until the connection is back")
        line.is_cut = False
        inbox.reload()
        expect(inbox.get_by_test_id("note")).to_have_count(1)
        expect(inbox.get_by_test_id("unsent")).to_have_count(0)
        expect(inbox.get_by_test_id("response").filter(has_text="Kept through the cut")).to_have_count(1)
        told = visitor.hear("message")
        assert (told["from"], told["text"]) == ("staff", "Kept through the cut")


def test_a_cut_line_goes_on_with_the_answer_where_it_stopped(
    console: Callable[[House], Page], server: Server, houses: Houses
) -> None:
    script = "tokens=150 rate=30"
    acme = acting(houses[0], script)
    inbox = console(acme)
    line = Line(inbox)
    with server.visitor(acme) as visitor:
        visitor.say("message.send", client_message_id="m1", text="Tell me about tents")
        chat = visitor.hear("ack")["chat"]
        inbox.goto(f"/console/inbox/{chat}/")
        expect(inbox.get_by_test_id("response")).to_contain_text("w9 ")
        line.cut()
        line.is_cut = False
        visitor.hear("reply.completed")
        expect(inbox.get_by_test_id("response")).to_have_text(answer(script), use_inner_text=True)


def test_the_inbox_is_used_by_keyboard_alone(
    console: Callable[[House], Page], server: Server, houses: Houses
) -> None:
    acme = acting(houses[0], SHORT)
    for text in ("The first question", "The second question"):
        with server.visitor(acme) as visitor:
            visitor.ask(text)
    inbox = console(acme)
    inbox.goto("/console/inbox/?tab=agent")
    newest = inbox.get_by_role("link", name="The second question")
    newest.focus()
    inbox.keyboard.press("ArrowDown")
    oldest = inbox.get_by_role("link", name="The first question")
    expect(oldest).to_be_focused()
    inbox.keyboard.press("Enter")
    expect(inbox.get_by_test_id("request")).to_have_text("The first question")
    inbox.get_by_role("button", name="Take over").press("Enter")
    expect(inbox.get_by_label("Answer to the visitor")).to_be_focused()
    inbox.keyboard.press("Escape")
    expect(inbox.get_by_test_id("no-chat")).to_be_visible()


def test_a_rival_finds_no_chat_behind_the_address_of_ours(
    console: Callable[[House], Page], server: Server, houses: Houses
) -> None:
    acme, globex = acting(houses[0], SHORT), houses[1]
    with server.visitor(acme) as visitor:
        chat = visitor.ask("CANARY")[0]["chat"]
    rival = console(globex)
    found: Any = rival.goto(f"/console/inbox/{chat}/")
    assert found.status == 404
    rival.goto("/console/inbox/?tab=all")
    expect(rival.get_by_test_id("inbox-empty")).to_contain_text("No chats yet")
    expect(rival.get_by_text("CANARY")).to_have_count(0)


def test_markup_in_a_message_is_shown_as_it_was_written(
    console: Callable[[House], Page], server: Server, houses: Houses
) -> None:
    acme = acting(houses[0], SHORT)
    inbox = console(acme)
    hostile = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    with server.visitor(acme) as visitor:
        chat = visitor.ask(hostile)[0]["chat"]
        inbox.goto(f"/console/inbox/{chat}/")
        expect(inbox.get_by_test_id("request")).to_have_text(hostile)
        inbox.goto(f"/console/chats/{chat}/")
        expect(inbox.get_by_test_id("request")).to_have_text(hostile)
    assert "owned" not in inbox.title()


def test_staff_go_from_an_answer_to_why_the_agent_said_it(
    shop_page: Callable[[House], Page], console: Callable[[House], Page], houses: Houses
) -> None:
    acme = acting(houses[0], "tokens=40 rate=15 stall=39")
    inbox, visitor = console(acme), shop_page(acme)
    visitor.get_by_role("button", name="Open chat").click()
    ask(visitor, "Tell me about tents")
    inbox.get_by_role("link", name="Inbox").click()
    open_chat(inbox, "With the agent", "Tell me about tents")
    expect(inbox.get_by_test_id("response")).to_contain_text("w3 ")
    expect(inbox.get_by_test_id("why")).to_be_hidden()
    visitor.get_by_role("button", name="Stop").click()
    inbox.get_by_role("link", name="Why did it say that?").click()
    expect(inbox).to_have_url(re.compile(r"/console/chats/[0-9a-f-]{36}/1/why/$"))
    expect(inbox.get_by_role("main")).to_contain_text("scripted")
