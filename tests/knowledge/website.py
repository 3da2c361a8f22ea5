"""A small website on this machine, which the operator's list lets the crawler read; a test changes its pages as it goes."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler
from typing import Any

from apps.knowledge import ingestion, library
from apps.knowledge.models import Document, Knowledge, Passage
from tests import internet

Answer = tuple[int, str, dict[str, str]]


@dataclass
class Website:
    """`pages` by path: words, or whole HTML, or (status, body, headers). `asked` counts requests, `told` answers by their status."""

    port: int = 0
    pages: dict[str, str | Answer] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    told: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    heard: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def page(self, path: str, words: str, *links: str, title: str = "") -> None:
        anchors = "".join(f'<a href="{link}">more</a> ' for link in links)
        self.pages[path] = (
            f"<html><body><nav>Menu of all pages {anchors}</nav><h1>{title or path}</h1><p>{words}</p></body></html>"
        )

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path
        self.asked[path] += 1
        self.times.append(time.monotonic())
        self.heard.append({name.lower(): value for name, value in request.headers.items()})
        status, body, headers = self._found(path)
        etag = f'"{md5(body.encode()).hexdigest()}"'
        if status == 200 and request.headers.get("If-None-Match") == etag:
            status, body = 304, ""
        self.told[status] += 1
        internet.answer(request, body.encode(), status, ETag=etag, **headers)

    def _found(self, path: str) -> Answer:
        found = self.pages.get(path, (404, "gone", {}))
        return (200, found, {}) if isinstance(found, str) else found


@contextmanager
def running(port: int = 0) -> Iterator[Website]:
    site = Website()
    server = internet.serve("127.0.0.1", port, site.answer)
    site.port = server.server_address[1]
    try:
        yield site
    finally:
        server.shutdown()


def shop(site: Website, pages: int = 5) -> None:
    """A front page and some more, each about something of its own."""
    names = [f"/help/{number}" for number in range(1, pages)]
    site.page("/", "This shop sells tents and lanterns to people who walk.", *names, title="The shop")
    for number, name in enumerate(names, start=1):
        site.page(
            name,
            f"Depot number {number} is painted {COLOURS[number % len(COLOURS)]} and opens at {number % 12 + 1} o'clock.",
            "/",
            title=f"Depot {number}",
        )


COLOURS = ("green", "violet", "orange", "crimson", "turquoise", "beige", "indigo")


def any_header(site: Website, name: str) -> set[Any]:
    return {one.get(name) for one in site.heard}


def read(source: Knowledge) -> Knowledge:
    ingestion.read_in(source.id)
    source.refresh_from_db()
    return source


def again(source: Knowledge) -> Knowledge:
    assert library.read_again(source)
    return read(source)


def states(source: Knowledge) -> dict[str, tuple[str, str]]:
    """By path, how each page's reading ended."""
    pages = Document.objects.filter(knowledge=source)
    return {"/" + page.url.split("/", 3)[3]: (page.status, page.failure) for page in pages}


def texts(source: Knowledge) -> str:
    return "\n".join(
        Passage.objects.filter(knowledge_id=source.id).order_by("position").values_list("text", flat=True)
    )
