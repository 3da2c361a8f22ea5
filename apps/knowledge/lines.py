"""Paragraphs out of text whose lines were broken to fit a page."""

import re
from collections.abc import Iterator

ITEM = re.compile(r"(?:[-*•‣◦▪–—·]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
BULLET = re.compile(r"[-*•‣◦▪–—·]\s+")
NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2})*)\.?\s+\S")
CLOSED = re.compile(r"""[.!?:;…]["'”’)\]]*$""")
HYPHEN = re.compile(r"(?<=[a-zà-ÿ])[-\u00ad\u2010\x02\ufffe]$")
LONGEST_TITLE = 80


def paragraphs(text: str) -> list[str]:
    """One string for each paragraph, list item or stand-alone line."""
    return [paragraph for block in re.split(r"\n[^\S\n]*\n", text) for paragraph in _of_block(block)]


def is_title(paragraph: str, before: str | None, following: str | None) -> bool:
    """A short, open line above a longer paragraph: all that plain text tells about its headings."""
    if following is None or len(paragraph) > LONGEST_TITLE or CLOSED.search(paragraph.removesuffix("?")):
        return False
    if following[0].islower() or ITEM.match(following) or len(following) <= max(40, len(paragraph)):
        return False
    if ITEM.match(paragraph):
        return bool(NUMBERED.match(paragraph)) and not (before and ITEM.match(before))
    return paragraph[0].isupper() or bool(NUMBERED.match(paragraph))


def title_depth(paragraph: str) -> int:
    numbered = NUMBERED.match(paragraph)
    return numbered.group(1).count(".") if numbered else 0


def without_bullet(paragraph: str) -> str:
    """An item without its bullet; a number stays, since other text may refer to it."""
    return BULLET.sub("", paragraph)


def _of_block(block: str) -> Iterator[str]:
    lines = [line.strip() for line in block.split("\n") if line.strip()]
    width = _width(lines)
    paragraph = last = ""
    for line in lines:
        if paragraph and not _goes_on(paragraph, last, line, width=width):
            yield paragraph
            paragraph = ""
        paragraph, last = _joined(paragraph, line), line
    if paragraph:
        yield paragraph


def _width(lines: list[str]) -> int:
    """How long a full line is here: only few are longer."""
    return sorted(map(len, lines))[len(lines) * 9 // 10] if lines else 0


def _goes_on(paragraph: str, last: str, line: str, *, width: int) -> bool:
    if ITEM.match(line):
        return False
    if line[0].islower() or HYPHEN.search(last):
        return not CLOSED.search(last)
    is_full = len(last) >= max(40, 0.75 * width)
    return is_full and not (CLOSED.search(last) and len(last) < 0.9 * width)


def _joined(paragraph: str, line: str) -> str:
    if not paragraph:
        return line
    if HYPHEN.search(paragraph) and line[0].islower():
        return paragraph[:-1] + line
    return f"{paragraph} {line}"
