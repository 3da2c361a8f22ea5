"""The built widget on a page, with nothing behind it but tests/widget/stage.js, which plays the server inside the page."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.harness import ROOT
from tests import browser

DIST = ROOT / "frontend" / "dist"
STAGE = ROOT / "tests" / "widget" / "stage.js"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>A page</title><h1>A page</h1>
<script>window.begin = () => { const line = document.createElement("script"); line.src = "/widget.js"; line.dataset.agent = "a"; document.head.append(line); }</script>"""


class _Dist(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def opened(*, flags: tuple[str, ...] = ()) -> Iterator[tuple[Browser, str]]:
    """A browser, and the address of a page whose `begin()` loads the widget."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Dist, directory=str(DIST)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=browser.find(), args=["--no-sandbox", "--disable-gpu", *flags]
        )
        yield running, f"http://127.0.0.1:{server.server_address[1]}/"
        running.close()
    server.shutdown()


def staged(running: Browser, address: str, script: Path = STAGE) -> Page:
    """A page with the widget, whose server is the stage."""
    page = running.new_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(script.read_text())
    page.goto(address)
    page.evaluate("begin()")
    page.wait_for_function("Boolean(window.ChatWithUs?.isOpen)")
    return page
