"""One Chromium for a run, lent to the files that want it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests import browser as installed

PATIENCE = 20_000  # milliseconds: a busy machine may take longer than five seconds to find its first passage
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@dataclass(frozen=True)
class Chromium:
    """Playwright's synchronous API keeps an event loop running in this thread, which Django takes for an asynchronous caller, and
    beside which no asynchronous test can run: so it passes for running only while the browser is lent."""

    _browser: Browser
    _loop: asyncio.AbstractEventLoop

    @contextmanager
    def lent(self) -> Iterator[Browser]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
            asyncio._set_running_loop(self._loop)
            yield self._browser
            asyncio._set_running_loop(None)


@contextmanager
def started() -> Iterator[Chromium]:
    """Until the block ends."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=installed.find(), args=FLAGS)
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield Chromium(running, loop)
        asyncio._set_running_loop(loop)
        running.close()
