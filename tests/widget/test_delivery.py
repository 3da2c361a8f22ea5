"""What every page's visitor loads: small as packed, from the cache for a week, asked after each time, readable by any page."""

import gzip

import httpx
import pytest

from tests.server import Server
from tests.services import ROOT

DIST = ROOT / "frontend" / "dist"
BUDGET = 24 * 1024


@pytest.mark.parametrize(("coding", "ending"), [("br", ".br"), ("gzip", ".gz"), ("identity", "")])
def test_the_bundle_comes_as_it_was_packed(server: Server, coding: str, ending: str) -> None:
    with httpx.stream("GET", f"{server.url}/widget.js", headers={"Accept-Encoding": coding}) as found:
        sent = b"".join(found.iter_raw())
    assert found.headers.get("content-encoding", "identity") == coding
    assert sent == (DIST / f"widget.js{ending}").read_bytes()
    assert found.headers["cache-control"] == "public, max-age=300, stale-while-revalidate=604800"
    assert "Accept-Encoding" in found.headers["vary"]


def test_it_is_within_its_budget() -> None:
    assert len(gzip.compress((DIST / "widget.js").read_bytes(), 9)) <= BUDGET


def test_who_has_it_is_told_so(server: Server) -> None:
    first = httpx.get(f"{server.url}/widget.js")
    again = httpx.get(f"{server.url}/widget.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name", ["widget.js", "widget-de.json", "widget-fallback.js", "widget-extra.js", "widget-doctor.js"]
)
def test_any_page_may_read_what_is_fetched_later(server: Server, name: str) -> None:
    found = httpx.get(f"{server.url}/{name}")
    assert found.status_code == 200
    assert found.headers["access-control-allow-origin"] == "*"
    assert found.headers["cross-origin-resource-policy"] == "cross-origin"


def test_the_pulse_comes_in_beats_that_any_page_may_hear(server: Server) -> None:
    with httpx.stream("GET", f"{server.url}/pulse") as told:
        assert told.headers["access-control-allow-origin"] == "*"
        beats = [line for line in told.iter_lines() if line.startswith("data: ")]
    assert len(beats) == 5
