"""Text of a PDF, page by page. The only file that knows the PDF reader."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import pypdfium2

from apps.knowledge import lines
from apps.knowledge.elements import Element, cleaned
from apps.knowledge.sniff import Unreadable

MOST_PAGES = 2_000
DAMAGED = "The PDF is damaged and cannot be opened."


def elements(content: bytes) -> list[Element]:
    if b"%%EOF" not in content[-2048:]:
        raise Unreadable("The PDF is cut off: its end is missing.")
    pages = _without_running_lines(_pages(content))
    if not any(re.search(r"\w", page) for page in pages):
        raise Unreadable("The PDF holds no text. It may be a scan, which cannot be read yet.")
    return [element for number, page in enumerate(pages, start=1) for element in _of_page(page, number)]


def _pages(content: bytes) -> list[str]:
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        is_locked = "password" in str(error).lower()
        raise Unreadable("The PDF is protected by a password." if is_locked else DAMAGED) from error
    try:
        if len(document) > MOST_PAGES:
            raise Unreadable(f"The PDF has more than {MOST_PAGES:,} pages.")
        return [_text(document, index) for index in range(len(document))]
    finally:
        document.close()


def _text(document: pypdfium2.PdfDocument, index: int) -> str:
    try:
        page = document[index]
        text = str(page.get_textpage().get_text_bounded())
    except pypdfium2.PdfiumError as error:
        raise Unreadable(f"Page {index + 1} of the PDF is damaged.") from error
    page.close()
    return text.replace("\r\n", "\n")


def _without_running_lines(pages: Sequence[str]) -> list[str]:
    """Headers, footers and page numbers stand on most pages and would end up in the middle of sentences."""
    seen = Counter(mark for page in pages for mark in {_mark(line) for line in _edges(page)})
    running = {mark for mark, count in seen.items() if len(pages) > 2 and count > len(pages) / 2}
    return [
        "\n".join(line for line in page.split("\n") if _mark(line) not in running or not line.strip())
        for page in pages
    ]


def _edges(page: str) -> list[str]:
    filled = [line for line in page.split("\n") if line.strip()]
    return filled[:2] + filled[-2:]


def _mark(line: str) -> str:
    return re.sub(r"\d+", "#", line.strip())


def _of_page(page: str, number: int) -> Iterator[Element]:
    found = list(filter(None, map(cleaned, lines.paragraphs(page))))
    for before, paragraph, following in zip([None, *found], found, [*found[1:], None], strict=False):
        if lines.is_title(paragraph, before, following):
            yield Element("title", paragraph, lines.title_depth(paragraph), number)
        elif lines.ITEM.match(paragraph):
            yield Element("list", lines.without_bullet(paragraph), 0, number)
        else:
            yield Element("text", paragraph, 0, number)
