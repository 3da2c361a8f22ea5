"""What a web page says of itself: its title, its links, and the part of it that is not the same on every page."""

import re
from collections.abc import Iterator

from lxml import html

from apps.knowledge.elements import cleaned
from apps.knowledge.sniff import Unreadable

NESTED = "The document is nested too deeply."
MOST_ELEMENTS = 500_000
FULL = f"The page has more than {MOST_ELEMENTS:,} parts. Split it into smaller documents."
MOST_LINKS = 1000
LONGEST_LINK = 1000
SHORTEST_MAIN = 200  # characters: what is shorter is no page's content
REFRESH = re.compile(r"url\s*=\s*['\"]?([^'\"\s]+)", re.I)
AROUND = "//nav | //header[not(ancestor::main or ancestor::article)] | //footer | //aside | //form | //dialog | //iframe"
MAIN = "//main | //*[@role='main'] | //article"


def parsed(text: str) -> html.HtmlElement | None:
    """None for what is no markup at all. Raises Unreadable where all words lie deeper than is read, or there is no end of elements."""
    parser = html.HTMLParser()
    try:
        root = html.document_fromstring(re.sub(r"^\s*<\?xml[^>]*>", "", text), parser=parser)
    except (ValueError, html.etree.LxmlError):
        return None
    if not root.text_content().strip() and "Excessive depth" in str(parser.error_log):
        raise Unreadable(NESTED)
    if root.xpath("count(//*)") > MOST_ELEMENTS:
        raise Unreadable(FULL)
    return root


def title(root: html.HtmlElement) -> str:
    found = root.xpath("//h1") or root.xpath("//title")
    return " ".join(cleaned(str(found[0].text_content())).split())[:200] if found else ""


def links(root: html.HtmlElement) -> list[str]:
    """Each once, in their order, as they stand there; `base` first, so that the others can be read as a browser reads them."""
    base = [str(one) for one in root.xpath("//base/@href")[:1]]
    wanted = (str(one).strip() for one in [*root.xpath("//a/@href | //area/@href"), *_refreshed(root)])
    kept = dict.fromkeys(
        one for one in wanted if one and not one.startswith("#") and len(one) <= LONGEST_LINK
    )
    return [*(base or [""]), *list(kept)[:MOST_LINKS]]


def canonical(root: html.HtmlElement) -> str:
    """The address that it gives as its own; empty where it gives none."""
    return next((str(one).strip() for one in root.xpath("//link[@rel='canonical']/@href")), "")


def _refreshed(root: html.HtmlElement) -> Iterator[str]:
    """Where a page sends whoever has waited long enough: often all that there is on it."""
    for element in root.iter("meta"):
        is_sent = element.get("http-equiv", "").strip().lower() == "refresh"
        if is_sent and (found := REFRESH.search(element.get("content", ""))):
            yield found[1]


def content(root: html.HtmlElement) -> str:
    """The markup of what this page is about: its main part where it has one, else all but menus and the like."""
    mains = root.xpath(MAIN)
    longest = max(mains, key=lambda one: len(one.text_content()), default=None)
    if longest is not None and len(longest.text_content().strip()) >= SHORTEST_MAIN:
        return str(html.tostring(longest, encoding="unicode", with_tail=False))
    whole = str(root.text_content()).strip()
    for element in root.xpath(AROUND):
        if element.getparent() is not None:
            element.drop_tree()
    is_left = len(str(root.text_content()).strip()) > 0 or not whole
    return str(html.tostring(root, encoding="unicode")) if is_left else whole
