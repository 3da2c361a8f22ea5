import io
import zipfile

import pytest

from apps.knowledge import sniff
from apps.knowledge.sniff import Unreadable


def archive(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, content in members.items():
            member = zipfile.ZipInfo(name.replace("__", "/").replace("_xml", ".xml"))  # of 1980, not of now
            writer.writestr(member, content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.md", b"# Title", "markdown"),
        ("A.MARKDOWN", b"BMW and MZ are names", "markdown"),
        ("a.txt", b"Rar! said the bear", "text"),
        ("a.b.HTM", b"<p>words", "html"),
        ("a.pdf", b"%PDF-1.7 ...", "pdf"),
        ("a.docx", archive(word__document_xml=b"<w/>"), "docx"),
        ("a.pptx", archive(ppt__presentation_xml=b"<p/>"), "pptx"),
        ("a.xlsx", archive(xl__workbook_xml=b"<x/>"), "xlsx"),
        ("a.csv", b"Day;Hours", "csv"),
        ("a.eml", b"Subject: x", "eml"),
        ("\u202efdp.md", b"a name written backwards", "markdown"),
        ("x" * 300 + ".txt", b"a long name", "text"),
    ],
)
def test_name_and_content_agree(name: str, content: bytes, kind: str) -> None:
    assert sniff.sniff(name, content) == kind


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.md", b"", "The file is empty."),
        ("a.md", b" " * (sniff.LARGEST + 1), "The file is larger than 20 MB."),
        ("a.exe", b"MZ", "Files of the type .exe are not supported. Supported are .csv, .docx, .eml, .html, .md, .pdf, .pptx, .txt and .xlsx."),
        ("README", b"words", "Files without an ending are not supported. Supported are .csv, .docx, .eml, .html, .md, .pdf, .pptx, .txt and .xlsx."),
        ("a.pdf", b"\x89PNG\r\n\x1a\n\0\0", "The file is named .pdf but is a PNG picture."),
        ("a.txt", b"\xff\xd8\xff\xe0\0\x10JFIF", "The file is named .txt but is a JPEG picture."),
        ("a.md", b"%PDF-1.4", "The file is named .md but is a PDF."),
        ("a.pdf", b"just words", "The file is named .pdf but is not a PDF."),
        ("a.docx", b"<html><p>words</p></html>", "The file is named .docx but is not a Word document."),
        ("a.docx", archive(xl__workbook_xml=b""), "The file is named .docx but is an Excel workbook."),
        ("a.docx", archive(a_xml=b""), "The file is named .docx but is a ZIP archive."),
        ("a.html", archive(a_xml=b""), "The file is named .html but is a ZIP archive."),
        ("a.docx", archive(word__document_xml=b"words")[:40], "The file is named .docx but is a damaged archive."),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 90, "The file is named .docx but is an old Office document."),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "The document is protected by a password."),
        ("a.txt", b"{\\rtf1 words}", "The file is named .txt but is an RTF document."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_a_reason(name: str, content: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refused:
        sniff.sniff(name, content)
    assert refused.value.reason == str(refused.value) == reason


@pytest.mark.parametrize(
    "content",
    [
        "Grüße".encode(),
        b"\xef\xbb\xbf" + "Grüße".encode(),
        "Grüße".encode("utf-16"),
        "Viele Grüße aus der schönen Stadt".encode("cp1252"),
    ],
)
def test_text_is_decoded_from_what_people_save_it_as(content: bytes) -> None:
    assert "Grüße" in sniff.decode(content, kind="text")


def test_a_page_may_declare_its_charset() -> None:
    page = '<meta charset="windows-1251"><p>Магазин открыт</p>'.encode("cp1251")
    assert "Магазин открыт" in sniff.decode(page, kind="html")
    assert "words" in sniff.decode(b'<meta charset="no-such-thing"><p>words</p>', kind="html")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (bytes(range(128, 256)) * 4, "unknown encoding"),
        ("Магазин открыт с девяти".encode("cp1251"), "unknown encoding"),
        (b"words\0and nulls", "not text"),
        (b"  <!DOCTYPE html>\n<html><p>words</p></html>", "web page"),
    ],
)
def test_what_is_no_text_is_not_guessed_at(content: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        sniff.decode(content, kind="text")


def test_an_archive_is_refused_by_what_it_would_unpack_to() -> None:
    bombs = [
        archive(word__document_xml=b" " * (sniff.LARGEST_XML + 1)),
        archive(**{f"word__media__{n}": b" " * (sniff.LARGEST_UNPACKED // 4) for n in range(5)}),
        archive(**{f"part{n}": b"" for n in range(sniff.MOST_MEMBERS + 1)}),
    ]
    for bomb in bombs:
        assert len(bomb) < 500_000
        with pytest.raises(Unreadable, match="too large when unpacked"):
            sniff.check_unpacked(bomb)
    sniff.check_unpacked(archive(word__document_xml=b"small"))
