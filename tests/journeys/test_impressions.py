"""What visitors leave, as staff see it; and a widget that is dressed while one looks at it."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.server import Server
from tests.world import House

Houses = tuple[House, House]


def test_staff_see_in_the_inbox_what_a_visitor_left(
    console: Callable[[House], Page], server: Server, houses: Houses
) -> None:
    acme, _ = houses
    page = console(acme)
    page.goto("/console/inbox/")
    with server.visitor(acme) as visitor:
        visitor.say("context", context={"page": "pricing"})
        chat = visitor.ask("Is it open?")[0]["chat"]
        visitor.say("email", address="grace@example.org")
        visitor.hear("email")
        page.goto(f"/console/inbox/{chat}/")
        left = page.get_by_test_id("left")
        expect(left).to_contain_text("grace@example.org")
        expect(left).to_contain_text("pricing")
        visitor.say("csat", value=4, comment="Quick")
        expect(left).to_contain_text("4 of 5")
    page.goto(f"/console/chats/{chat}/")
    expect(page.get_by_test_id("email")).to_have_text("grace@example.org")
    expect(page.get_by_test_id("csat")).to_contain_text("Quick")


def test_the_widget_shows_what_is_being_chosen(console: Callable[[House], Page], houses: Houses) -> None:
    acme, _ = houses
    page = console(acme)
    page.goto(f"/console/agents/{acme.agent.id}/widget/")
    widget = page.locator("chat-with-us")
    expect(widget).to_have_attribute("data-position", "right")
    page.get_by_label("Left").check()
    page.get_by_label("Colour").fill("#aa33cc")
    expect(widget).to_have_attribute("data-position", "left")
    launcher = widget.locator("button.launcher")
    expect(launcher).to_be_visible()
    box = launcher.bounding_box()
    assert box is not None
    assert box["x"] < 200
    expect(launcher).to_have_css("background-color", re.compile(r"rgb\(170, 51, 204\)"))
