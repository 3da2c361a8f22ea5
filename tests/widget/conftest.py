"""One server, one browser and one website a test; the website's owner has put the widget on it."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.journeys.conftest import console, context
from tests.server import Server
from tests.services import ROOT
from tests.widget.site import Site
from tests.world import House

__all__ = ["console", "context"]

AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MS = 30_000


@pytest.fixture
def house(houses: tuple[House, House]) -> House:
    return houses[0]


@pytest.fixture
def site(server: Server, house: House) -> Iterator[Site]:
    opened = Site(server.url, str(house.agent.id))
    house.tenant.allowed_origins.append(opened.origin)
    house.tenant.save()
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    context.set_default_timeout(PATIENCE_MS)
    return context.new_page()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which the front end's lock names."""
    if not AXE.exists():
        subprocess.run(["sh", "frontend/check.sh", "--install"], cwd=ROOT, check=True)
    return AXE.read_text()


@pytest.fixture
def violations(axe: str) -> Callable[[Page], list[dict[str, Any]]]:
    """What axe has to say against the widget as it stands, by all of its rules."""

    def ask(page: Page) -> list[dict[str, Any]]:
        if not page.evaluate("'axe' in window"):
            page.evaluate(axe)
        found = page.evaluate(
            """async () => {
              const {passes, violations} = await axe.run(document.querySelector("chat-with-us"), {resultTypes: ["violations"]});
              if (passes.length < 5) throw new Error("axe saw nothing");
              return violations.map(({id, nodes}) => ({id, nodes: nodes.map(({html, failureSummary}) => html.slice(0, 200) + failureSummary)}));
            }"""
        )
        return list(found)

    return ask


@pytest.fixture(scope="session")
def stage() -> str:
    return (Path(__file__).parent / "stage.js").read_text()
