"""What a file really is, found out before any parser touches it."""

import io
import re
import zlib
from pathlib import PurePath
from typing import Literal
from zipfile import BadZipFile, ZipFile, ZipInfo

Kind = Literal["markdown", "text", "html", "pdf", "docx", "pptx", "xlsx", "csv", "eml"]

KINDS: dict[str, Kind] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
    ".xlsx": "xlsx",
    ".csv": "csv",
    ".eml": "eml",
}
NAMES: dict[Kind, str] = {
    "markdown": "text",
    "text": "text",
    "html": "a web page (HTML)",
    "pdf": "a PDF",
    "docx": "a Word document",
    "pptx": "a PowerPoint presentation",
    "xlsx": "an Excel workbook",
    "csv": "a table of comma-separated values",
    "eml": "an e-mail",
}
BINARY = ("pdf", "docx", "pptx", "xlsx")
OFFICE: dict[str, Kind] = {
    "word/document.xml": "docx",
    "xl/workbook.xml": "xlsx",
    "ppt/presentation.xml": "pptx",
}
SUPPORTED = ".csv, .docx, .eml, .html, .md, .pdf, .pptx, .txt and .xlsx"
SIGNATURES = (
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a bitmap picture"),
    (b"RIFF", "a media file"),
    (b"ID3", "a sound file"),
    (b"{\\rtf", "an RTF document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3", "a database"),
)
LARGEST = 20 * 1024 * 1024
LARGEST_UNPACKED = 100 * 1024 * 1024
LARGEST_XML = 25 * 1024 * 1024
MOST_MEMBERS = 2_000
_PROLOGUE = 64 * 1024

CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
DECLARED_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset=["']?([\w-]{2,30})""", re.IGNORECASE)
WEB_PAGE = re.compile(
    r"\s*+(?:<\?xml[^>]*+>\s*+)?(?:<!--(?:(?!-->).)*+-->\s*+)*+<(?:!doctype\s+html|html|head|body)[\s>]",
    re.I | re.S,
)
IMPLAUSIBLE = re.compile(r"[\x80-\x9f¤¦¨¬¯¸¹³²¶×÷ÞþðÐ]")


class Unreadable(Exception):
    """A document cannot be read; `reason` is a sentence for the person who uploaded it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def sniff(name: str, content: bytes) -> Kind:
    """The kind that name and content agree on; Unreadable when they do not, or when the file is too much."""
    if not content:
        raise Unreadable("The file is empty.")
    if len(content) > LARGEST:
        raise Unreadable(f"The file is larger than {LARGEST // 1024**2} MB.")
    named = _named(name)
    found = _found(content)
    if found == "an old Office document" and b"E\0n\0c\0r\0y\0p\0t\0e\0d" in content:
        raise Unreadable("The document is protected by a password.")
    if found != (NAMES[named] if named in BINARY else None):
        raise Unreadable(f"The file is named {_suffix(name)} but is {found or 'not ' + NAMES[named]}.")
    return named


def decode(content: bytes, *, kind: Kind) -> str:
    """The text of a text file: Unicode, the charset a page declares, or Windows-1252 where that makes sense."""
    for charset in _charsets(content, kind=kind):
        text = _decoded(content, charset)
        if text is not None:
            break
    else:
        raise Unreadable("The text is in an unknown encoding. Please save it as UTF-8.")
    if "\0" in text or len(CONTROL.findall(text)) > len(text) / 100:
        raise Unreadable("The file is not text: it holds bytes that no text has.")
    if kind not in ("html", "eml") and WEB_PAGE.match(text):
        raise Unreadable("The file is named as text but is a web page (HTML). Please name it .html.")
    return text


def check_unpacked(content: bytes) -> None:
    """Refuses an archive by what its directory says it unpacks to; a lying directory fails while unpacking."""
    archive = ZipFile(io.BytesIO(content))
    members = archive.infolist()
    size = sum(member.file_size for member in members)
    xml = max((m.file_size for m in members if m.filename.endswith((".xml", ".rels"))), default=0)
    if len(members) > MOST_MEMBERS or size > LARGEST_UNPACKED or xml > LARGEST_XML:
        raise Unreadable("The document is too large when unpacked.")
    if any(member.flag_bits & 1 for member in members):
        raise Unreadable("The document is protected by a password.")
    if any(
        _has_doctype(archive, member) for member in members if member.filename.endswith((".xml", ".rels"))
    ):
        raise Unreadable("The document declares entities, which no Office program writes.")


def _has_doctype(archive: ZipFile, member: ZipInfo) -> bool:
    """Entities need a DOCTYPE, and that stands before the first element; UTF-16 hides it from a plain search."""
    try:
        with archive.open(member) as part:
            head = part.read(_PROLOGUE)
    except (BadZipFile, zlib.error, ValueError, NotImplementedError, OSError, EOFError) as error:
        raise Unreadable("The document is damaged and cannot be opened.") from error
    return b"<!DOCTYPE" in head.replace(b"\0", b"")


def _suffix(name: str) -> str:
    return PurePath(name).suffix.lower()


def _named(name: str) -> Kind:
    suffix = _suffix(name)
    if suffix not in KINDS:
        what = f"Files of the type {suffix[:12]}" if suffix else "Files without an ending"
        raise Unreadable(f"{what} are not supported. Supported are {SUPPORTED}.")
    return KINDS[suffix]


def _found(content: bytes) -> str | None:
    """What the first bytes say; None for anything that may be text."""
    head = content[:1024]
    if b"%PDF-" in head:
        return NAMES["pdf"]
    if head.startswith(b"PK\x03\x04"):
        return _archive(content)
    found = next((what for signature, what in SIGNATURES if head.startswith(signature)), None)
    return found if found is None or not _may_be_text(head) else None


def _may_be_text(head: bytes) -> bool:
    """Short signatures such as BM or MZ are also how ordinary words begin."""
    return not head.startswith(b"{\\rtf") and b"\0" not in head and not re.search(rb"[\x80-\xff]", head[:16])


def _archive(content: bytes) -> str:
    try:
        names = set(ZipFile(io.BytesIO(content)).namelist())
    except (BadZipFile, ValueError, NotImplementedError, OSError):
        return "a damaged archive"
    return next((NAMES[kind] for mark, kind in OFFICE.items() if mark in names), "a ZIP archive")


def _charsets(content: bytes, *, kind: Kind) -> list[str]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ["utf-16"]
    declared = DECLARED_CHARSET.search(content[:4096]) if kind == "html" else None
    return ["utf-8-sig", *([declared.group(1).decode()] if declared else []), "cp1252"]


def _decoded(content: bytes, charset: str) -> str | None:
    try:
        text = content.decode(charset)
    except (UnicodeDecodeError, LookupError, ValueError):
        return None
    return None if charset == "cp1252" and not _is_western(text) else text


def _is_western(text: str) -> bool:
    """Whether the accented characters look like those of a language and not like noise."""
    strange = [char for char in text if char > "\x7f"]
    return (
        len(strange) < len(text) / 4 and sum(map(bool, map(IMPLAUSIBLE.match, strange))) <= len(strange) / 20
    )
