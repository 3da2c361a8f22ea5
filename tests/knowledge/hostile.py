"""Files that somebody made to harm whoever reads them, and files that are merely broken; made here, so that none is kept."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

import openpyxl
import pptx

from tests.knowledge.test_partition import LOCKED, pdf, with_part, word, written

CANARY = "file:///etc/passwd"
WORDS = "The depot opens at seven on Sunday. "
ENTITIES = (
    b"<!DOCTYPE x [<!ENTITY a 'lol'>"
    + b"".join(b"<!ENTITY %c '%s'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(12))
    + b"]>"
)
EXTERNAL = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{CANARY}">]>'.encode()


def archive(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return out.getvalue()


def plain_word() -> bytes:
    return word(lambda document: document.add_paragraph(WORDS))


def slides(*texts: str) -> bytes:
    deck, out = pptx.Presentation(), io.BytesIO()
    for text in texts:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = "Depots", text
    deck.save(out)
    return out.getvalue()


def sheet(*rows: tuple[object, ...]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.title = "Hours"
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def bombs() -> Iterator[tuple[str, bytes]]:
    """E1: by size, by count, nested, overlapping, and with a directory that lies."""
    spaces = b" " * (30 * 1024 * 1024)
    yield "size.docx", with_part(plain_word(), "word/document.xml", spaces)
    yield "count.docx", archive({"word/document.xml": b"<w/>", **{f"word/{n}.xml": b"" for n in range(3000)}})
    yield "nested.docx", archive({"word/document.xml": archive({"a": archive({"b": spaces})})})
    yield "size.xlsx", with_part(sheet(("a",)), "xl/worksheets/sheet1.xml", spaces)
    yield "size.pptx", with_part(slides("a"), "ppt/presentation.xml", spaces)
    yield "overlapping.docx", overlapping()
    yield "lying.docx", lying(with_part(plain_word(), "word/document.xml", spaces))


def overlapping() -> bytes:
    """Many entries of one directory that are all the same packed bytes (Fifield, 2019)."""
    one = archive({"word/document.xml": b" " * (20 * 1024 * 1024)})
    with zipfile.ZipFile(io.BytesIO(one)) as packed:
        start = packed.start_dir
    directory, count = one[start:-22], 50
    size = len(directory) * count
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, size, start, 0)
    return one[:start] + directory * count + end


def lying(content: bytes) -> bytes:
    """Its directory says that each part unpacks to a hundred bytes."""
    changed = bytearray(content)
    at = 0
    while (at := changed.find(b"PK\x01\x02", at)) >= 0:
        changed[at + 24 : at + 28] = struct.pack("<I", 100)
        at += 4
    return bytes(changed)


def entities() -> Iterator[tuple[str, bytes]]:
    """E3: billion laughs and external entities, in each kind that is XML inside."""
    for prologue in (ENTITIES, EXTERNAL):
        for name, content, part in (
            ("x.docx", plain_word(), "word/document.xml"),
            ("x.xlsx", sheet(("a", "b")), "xl/workbook.xml"),
            ("x.pptx", slides("a"), "ppt/presentation.xml"),
        ):
            yield name, with_part(content, part, prologue + b"<x>&a;&e;</x>")
        yield (
            "x.docx",
            with_part(plain_word(), "word/document.xml", (prologue.decode() + "<x>&e;</x>").encode("utf-16")),
        )


def pdfs() -> Iterator[tuple[str, bytes]]:
    """E4: shapes of past advisories against readers of PDF."""
    catalog, font = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    bomb = zlib.compress(zlib.compress(b"0" * (200 * 1024 * 1024), 9), 9)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
    kids = b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>"

    def stream(rules: bytes, content: bytes) -> bytes:
        return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (rules, len(content), content)

    yield "loop-kids.pdf", written([catalog, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 9 >>", font])
    yield (
        "loop-parent.pdf",
        written(
            [
                catalog,
                b"<< /Type /Pages /Kids [4 0 R] /Count 1 /Parent 2 0 R >>",
                font,
                b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>",
            ]
        ),
    )
    yield "count.pdf", written([catalog, b"<< /Type /Pages /Kids [] /Count 2000000000 >>", font])
    yield "deep-array.pdf", written([catalog, kids, font, page, b"[" * 200_000 + b"]" * 200_000])
    yield (
        "deep-dict.pdf",
        written([catalog, b"<< /Kids " + b"<< /K " * 100_000 + b">>" * 100_000 + b" >>", font]),
    )
    yield (
        "flate.pdf",
        written([catalog, kids, font, page, stream(b"/Filter [/FlateDecode /FlateDecode]", bomb)]),
    )
    yield (
        "filters.pdf",
        written(
            [catalog, kids, font, page, stream(b"/Filter [" + b"/ASCIIHexDecode " * 5000 + b"]", b"30" * 100)]
        ),
    )
    yield (
        "runlength.pdf",
        written([catalog, kids, font, page, stream(b"/Filter /RunLengthDecode", b"\x81A" * 2_000_000)]),
    )
    yield (
        "lzw.pdf",
        written([catalog, kids, font, page, stream(b"/Filter /LZWDecode", b"\x80\x0b\x60\x50" * 500_000)]),
    )
    yield (
        "length.pdf",
        written([catalog, kids, font, page, b"<< /Length 9999999999 >>\nstream\nBT\nendstream"]),
    )
    yield (
        "self-length.pdf",
        written([catalog, kids, font, page, b"<< /Length 5 0 R >>\nstream\nBT\nendstream"]),
    )
    yield "xref.pdf", pdf(WORDS).replace(b"startxref\n", b"startxref\n99999999")
    yield "prev.pdf", pdf(WORDS).replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev 9 /XRefStm 9")
    yield "nothing.pdf", b"%PDF-1.7\n" + b"\0" * 4096 + b"\n%%EOF"
    yield (
        "predictor.pdf",
        written(
            [
                catalog,
                kids,
                font,
                page,
                stream(
                    b"/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 2000000000 >>",
                    zlib.compress(b"x" * 99),
                ),
            ]
        ),
    )
    yield "locked.pdf", LOCKED
    yield "cut.pdf", pdf(WORDS * 20)[:400]


def liars() -> Iterator[tuple[str, bytes]]:
    """E5, E6: not what their names say; empty; pictures of fifty thousand times fifty thousand points."""
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    flood = (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + header
        + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    )
    yield from (
        (f"flood{ending}", flood)
        for ending in (".pdf", ".docx", ".html", ".txt", ".png", ".csv", ".eml", ".xlsx")
    )
    yield from (
        (f"empty{ending}", b"")
        for ending in (".pdf", ".docx", ".pptx", ".xlsx", ".csv", ".html", ".md", ".txt", ".eml")
    )
    yield from (
        ("no-ending", WORDS.encode()),
        ("x.svg", b"<svg onload='x()'/>"),
        ("x.exe", b"MZ\0\0"),
        ("x.docm", plain_word()),
    )
    yield from (
        ("word.xlsx", plain_word()),
        ("sheet.docx", sheet(("a", "b"))),
        ("page.txt", b"<!doctype html><p>words</p>"),
    )
    yield from (
        ("polyglot.html", b"%PDF-1.4\n<p>words</p>"),
        ("nul.txt", b"a\0b\0c\0"),
        ("wrong.txt", "Магазин открыт".encode("koi8-r")),
    )
    yield from (
        ("cut.docx", plain_word()[:-300]),
        ("cut.xlsx", sheet(("a", "b"))[:300]),
        ("signs.md", b"*** --- ***"),
    )
    yield from (
        ("none.eml", b"Just words."),
        ("x.eml", b"Content-Type: text/plain; charset=no-such\n\nwords"),
    )


def harmless() -> Iterator[tuple[str, bytes, str]]:
    """What must be read all the same, and a phrase of it."""
    hours = [("Day", "Hours"), ("Sunday", "seven to nine"), ("Monday", "closed")]
    yield "x.docx", plain_word(), "The depot opens at seven"
    yield "x.pptx", slides("Open at seven on Sunday."), "seven on Sunday"
    yield "x.xlsx", sheet(*hours), "Day: Sunday; Hours: seven to nine"
    yield (
        "x.csv",
        b'Day;Hours\nSunday;seven to nine\nMonday;"closed; really"\n',
        "Day: Monday; Hours: closed; really",
    )
    yield (
        "x.eml",
        b"From: a@b.example\nSubject: Hours on Sunday\n\nThe depot opens at seven on Sunday.\n",
        "opens at seven",
    )
    yield (
        "html.eml",
        b"Subject: x\nContent-Type: text/html\n\n<p>The depot <b>opens</b> at seven.</p>",
        "opens at seven",
    )
    yield "x.pdf", pdf(WORDS), "opens at seven"
    yield "\u202efdp.md", WORDS.encode(), "opens at seven"
    yield "ساعات العمل 🏕️.txt", WORDS.encode(), "opens at seven"
    yield "x" * 300 + ".md", WORDS.encode(), "opens at seven"
    yield "../../../../tmp/escaped.md", WORDS.encode(), "opens at seven"
    yield "a\0b.md", WORDS.encode(), "opens at seven"
    yield "slip.docx", _slipping(), "opens at seven"
    yield "attached.eml", _attached(), "opens at seven"


def _slipping() -> bytes:
    """E2: parts whose names lead out of any folder."""
    out = io.BytesIO(plain_word())
    with zipfile.ZipFile(out, "a") as packed:
        for name in ("../../../tmp/slipped", "/tmp/slipped", "word/../../../../tmp/slipped"):
            packed.writestr(name, "slipped")
    return out.getvalue()


def _attached() -> bytes:
    return (
        b'Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\n'
        b'The depot opens at seven.\n--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename="../../../tmp/slipped"\n\n'
        b"slipped\n--b--\n"
    )


def calling(url: str) -> Iterator[tuple[str, bytes]]:
    """D5, E3: whoever opens what these name asks at this address."""
    markup = (
        f'<html><head><base href="{url}/base/"><link rel="stylesheet" href="{url}/style"><meta http-equiv="refresh" content="0;url={url}/refresh">'
        f'<meta property="og:image" content="{url}/og"></head><body><img src="{url}/img"><iframe src="{url}/frame"></iframe><object data="{url}/object">'
        f'</object><script src="{url}/script"></script><p>{WORDS}</p></body></html>'
    )
    yield "x.html", markup.encode()
    yield "x.md", f"# Depots\n\n![picture]({url}/img)\n\n<img src='{url}/html'>\n\n{WORDS}".encode()
    yield "x.eml", f"Subject: Depots\nContent-Type: text/html\n\n{markup}".encode()
    declared = f'<!DOCTYPE x SYSTEM "{url}/dtd"><x/>'.encode()
    yield "declared.docx", with_part(plain_word(), "word/document.xml", declared)
    yield "x.docx", _leading(plain_word(), "word/_rels/document.xml.rels", url)
    yield "x.pptx", _leading(slides(WORDS), "ppt/slides/_rels/slide1.xml.rels", url)
    yield "x.xlsx", _leading(sheet(("Day", "Hours"), ("Sunday", WORDS)), "xl/_rels/workbook.xml.rels", url)


def _leading(content: bytes, part: str, url: str) -> bytes:
    """With one more relation, to a picture that lies elsewhere."""
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"
    away = (
        f'<Relationship Id="away" Type="{kind}" Target="{url}/image" TargetMode="External"/></Relationships>'
    )
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        relations = packed.read(part)
    return with_part(content, part, relations.replace(b"</Relationships>", away.encode()))
