"""A shop vouches for its customer on the page; and no page of ours breaks the policy that browsers are told."""

from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import BrowserContext, Page, expect

from tests.server import Server
from tests.tokens import signed, vouching
from tests.world import House

Houses = tuple[House, House]
IDENTIFY = "jwt => ChatWithUs('identify', {jwt})"
HEARD = """() => { window.heard = []; for (const name of ['identified', 'error'])
  window.addEventListener(`chatwithus:${name}`, ({ detail }) => heard.push([name, detail.code ?? ''])) }"""


def shop(shop_page: Callable[[House], Page], house: House) -> Page:
    page = shop_page(house)
    page.wait_for_function("() => !!window.ChatWithUs?.open")
    page.evaluate(HEARD)
    return page


def test_a_customer_finds_the_chat_again_and_leaves_nothing_behind(
    shop_page: Callable[[House], Page], houses: Houses
) -> None:
    acme = vouching(houses[0])
    page = shop(shop_page, acme)
    page.evaluate(IDENTIFY, signed(acme, name="Ada"))
    page.evaluate("ChatWithUs('open', {message: 'Where is my parcel?', send: true})")
    expect(page.get_by_text("Where is my parcel?")).to_be_visible()
    page.wait_for_function("() => heard.some(([name]) => name === 'identified')")
    assert "eyJ" not in page.evaluate("JSON.stringify(localStorage)")
    elsewhere = shop(shop_page, acme)
    elsewhere.evaluate("ChatWithUs('open')")
    expect(elsewhere.get_by_text("Where is my parcel?")).to_have_count(0)
    elsewhere.evaluate(IDENTIFY, signed(acme))
    expect(elsewhere.get_by_text("Where is my parcel?")).to_be_visible()


def test_a_page_with_a_bad_jwt_is_told_and_its_visitor_talks_on(
    shop_page: Callable[[House], Page], houses: Houses
) -> None:
    acme = vouching(houses[0])
    page = shop(shop_page, acme)
    page.evaluate(IDENTIFY, signed(acme, secret="x" * 40))
    page.evaluate("ChatWithUs('open', {message: 'Is anybody there?', send: true})")
    page.wait_for_function("() => heard.some(([name, code]) => name === 'error' && code === 'bad_identity')")
    expect(page.get_by_text("Is anybody there?")).to_be_visible()
    expect(page.get_by_test_id("text").get_by_text("could not find")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_the_policy_that_browsers_are_told(
    console: Callable[[House], Page], context: BrowserContext, server: Server, houses: Houses, scheme: str
) -> None:
    acme, _ = houses
    get_user_model().objects.filter(pk=acme.user.pk).update(is_staff=True, is_superuser=True)
    with server.visitor(acme) as visitor:
        chat = visitor.ask("Is anybody there?")[0]["chat"]
    page = console(acme)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    refused: list[str] = []
    page.on(
        "console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None
    )
    for path in (
        "/console/",
        f"/console/chats/{chat}/",
        f"/console/inbox/{chat}/",
        "/console/agents/",
        "/console/knowledge/add/",
        "/console/organisation/",
        "/api/v1/docs",
        "/admin/",
        "/admin/tenants/tenant/",
        f"/admin/tenants/tenant/{acme.tenant.id}/change/",
    ):
        answer = page.goto(f"{server.url}{path}", wait_until="networkidle" if "inbox" not in path else "load")
        assert answer is not None
        assert answer.status == 200, path
        assert answer.headers["content-security-policy"]
    assert refused == []
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')")
    page.wait_for_timeout(100)
    assert len(refused) == 1  # so a breach would have been seen
