"""A fresh context of Chromium for each test; and a shop's page on another origin with the one line in it."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.chromium import PATIENCE
from tests.server import Server
from tests.staff import cookie_of
from tests.world import House

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A shop</title><h1>A shop</h1>
<script async src="{url}/widget.js" data-agent="{agent}"></script>"""


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    opened = chromium.new_context(viewport={"width": 1280, "height": 800})
    opened.set_default_timeout(PATIENCE)
    yield opened
    opened.close()


@pytest.fixture
def shop_page(context: BrowserContext, server: Server, committed: None) -> Iterator[Callable[[House], Page]]:
    """Opens a page of this house's shop, which lives on an origin of its own that the tenant allows."""
    shops: list[ThreadingHTTPServer] = []

    def open_page(house: House) -> Page:
        shop = _serve(PAGE.format(url=server.url, agent=house.agent.id))
        shops.append(shop)
        origin = f"http://127.0.0.1:{shop.server_address[1]}"
        house.tenant.allowed_origins.append(origin)
        house.tenant.save()
        page = context.new_page()
        page.goto(origin)
        return page

    yield open_page
    for shop in shops:
        shop.shutdown()


@pytest.fixture
def console(chromium: Browser, server: Server) -> Iterator[Callable[[House], Page]]:
    """Opens the console for this house's owner, in a browser profile of their own; test_people.py signs in by hand."""
    opened: list[BrowserContext] = []

    def sign_in(house: House) -> Page:
        context = chromium.new_context(viewport={"width": 1280, "height": 800}, base_url=server.url)
        context.set_default_timeout(PATIENCE)
        opened.append(context)
        name, _, value = cookie_of(server, house.user.username).partition("=")
        context.add_cookies([{"name": name, "value": value, "url": server.url}])
        page = context.new_page()
        page.goto("/console/")
        return page

    yield sign_in
    for context in opened:
        context.close()


def _serve(html: str) -> ThreadingHTTPServer:
    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode() if self.path == "/" else b"")

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
