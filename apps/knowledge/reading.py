"""What is done with a document's bytes, all of it inside the child of `contained`: answers are plain data that JSON can carry."""

from typing import Any

from apps.knowledge import page, partition, passages, unseen, urlset
from apps.knowledge.sniff import decode

Data = dict[str, Any]


def document(name: str, content: bytes) -> Data:
    """An upload, or a text that somebody pasted, cut into passages."""
    return {"passages": _cut(partition.partition(name, content))}


def web_page(content: bytes, charset: str = "") -> Data:
    """A page of HTML: its passages, its title, and where it leads. One without words may still lead somewhere. `charset` is what
    its server said."""
    root = page.parsed(decode(_in_utf8(content, charset), kind="html"))
    if root is None:
        return {"passages": [], "title": "", "links": [""]}
    links = page.links(root)  # also those of menus that open later
    canonical = page.canonical(root)
    unseen.drop(root)
    found = {"title": page.title(root), "links": links, "canonical": canonical}
    try:
        return {**found, "passages": _cut(partition.partition("page.html", page.content(root).encode()))}
    except partition.Unreadable as error:
        return {**found, "passages": [], "failure": error.reason}


def sitemap(content: bytes) -> Data:
    """The addresses of a sitemap, and the sitemaps of an index of them."""
    pages, others = urlset.addresses(content)
    return {"pages": pages, "sitemaps": others}


def _in_utf8(content: bytes, charset: str) -> bytes:
    """Where the server says what the page itself may not; what it says wrongly is not heeded."""
    try:
        return content.decode(charset).encode() if charset else content
    except (LookupError, ValueError):
        return content


def _cut(elements: list[partition.Element]) -> list[Data]:
    return [
        {"heading": " › ".join(one.heading_path), "page": one.page, "text": one.text}
        for one in passages.split(elements)
    ]
