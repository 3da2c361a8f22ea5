"""Sitemaps (sitemaps.org): XML or lines of text from strangers, so nothing in it is expanded or fetched."""

import re
import zlib
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException, ElementTree

from apps.knowledge.sniff import Unreadable

MOST = 50_000
LARGEST = 50 * 1024 * 1024
LINES = re.compile(rb"https?://\S+\s*(?:\n|\Z)", re.I)
DAMAGED = "The sitemap is damaged and cannot be read."
_GZIP = 31


def addresses(content: bytes) -> tuple[list[str], list[str]]:
    """Those of pages, and those of further sitemaps. Raises Unreadable."""
    try:
        unpacked = _unpacked(content).lstrip(b"\xef\xbb\xbf \t\r\n")
        if LINES.match(unpacked):
            return unpacked.decode("utf-8", "replace").split()[:MOST], []
        root = ElementTree.fromstring(unpacked, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, zlib.error) as error:
        raise Unreadable(DAMAGED) from error
    found = [_text(entry) for entry in list(root)[:MOST]]
    return ([], found) if _name(root.tag) == "sitemapindex" else (found, [])


def _unpacked(content: bytes) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        return content
    unpacking = zlib.decompressobj(_GZIP)
    unpacked = unpacking.decompress(content, LARGEST)
    if not unpacking.eof:
        is_large = len(unpacked) == LARGEST
        raise Unreadable("The sitemap is too large when unpacked." if is_large else DAMAGED)
    return unpacked


def _text(entry: "object") -> str:
    return next(((one.text or "").strip() for one in entry if _name(one.tag) == "loc"), "")  # type: ignore[attr-defined]


def _name(tag: str) -> str:
    return tag.rpartition("}")[2].lower()
