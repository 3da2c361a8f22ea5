"""Pictures that anybody may be shown: what browsers draw and nothing runs in, told by its content and never by its name, and without
what a camera wrote beside it: when, with what, and where."""

import hashlib
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

LARGEST = 200_000  # bytes
# By their first bytes; an SVG is a program.
_KINDS: dict[str, Callable[[bytes], bool]] = {
    "image/png": lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": lambda data: data.startswith(b"\xff\xd8\xff"),
    "image/webp": lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP",
}


class Picture(NamedTuple):
    """`kind` is its media type."""

    kind: str
    data: bytes


class BadPicture(ValueError):
    """This is no picture, or too large a one."""

    field = "image"


def check(image: bytes) -> bytes:
    """The image as it may be shown: its own parts and nothing before, between or behind them. Raises BadPicture."""
    if len(image) > LARGEST:
        raise BadPicture(f"The image is larger than {LARGEST // 1000} kB: take a smaller one.")
    kind = kind_of(image)
    if kind is None:
        raise BadPicture("Take a PNG, JPEG or WebP image.")
    try:
        return b"".join(_BARE[kind](image))
    except (struct.error, IndexError) as error:
        raise BadPicture("This image is broken: save it once more, as PNG, JPEG or WebP.") from error


def shown(image: bytes | memoryview) -> Picture | None:
    """A kept image as it is served; None for what may not be."""
    data = bytes(image)
    kind = kind_of(data)
    return Picture(kind, data) if kind else None


def kind_of(image: bytes) -> str | None:
    """Its media type, by its content; None for what may not be shown."""
    return next((kind for kind, fits in _KINDS.items() if fits(image)), None)


def stamp(image: bytes | memoryview | None) -> str | None:
    """What changes when the image does, for its address."""
    return hashlib.sha256(image).hexdigest()[:16] if image else None


def _png(image: bytes) -> Iterator[bytes]:
    """PNG, third edition, 5.3: length, type, data and checksum."""
    yield image[:8]
    at, name = 8, b""
    while name != b"IEND":
        length, name = struct.unpack_from(">I4s", image, at)
        _ = image[at + length + 11]
        if name not in (b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"):
            yield image[at : at + length + 12]
        at += length + 12


def _jpeg(image: bytes) -> Iterator[bytes]:
    """ISO 10918-1, B.1: segments up to the scan, of which those of programs and comments are left out, but Adobe's colours."""
    yield image[:2]
    at, marker = 2, 0
    while marker != 0xDA:
        mark, marker, length = struct.unpack_from(">BBH", image, at)
        if mark != 0xFF or length < 2:
            raise IndexError
        if not (0xE1 <= marker <= 0xEF or marker == 0xFE) or marker == 0xEE:
            yield image[at : at + 2 + length]
        at += 2 + length
    yield image[at : image.rindex(b"\xff\xd9") + 2] if b"\xff\xd9" in image[at:] else image[at:]


def _webp(image: bytes) -> Iterator[bytes]:
    """RFC 9649: chunks of even length; the flags of an extended one say which there are."""
    parts, at, end = [], 12, 8 + struct.unpack_from("<I", image, 4)[0]
    while at < end:
        name, length = struct.unpack_from("<4sI", image, at)
        _ = image[at + 7 + length]
        part = image[at : at + 8 + length] + b"\0" * (length % 2)
        if name == b"VP8X":
            part = part[:8] + bytes([part[8] & ~0x0C]) + part[9:]
        if name not in (b"EXIF", b"XMP "):
            parts.append(part)
        at += 8 + length + length % 2
    yield b"RIFF" + struct.pack("<I", 4 + sum(map(len, parts))) + b"WEBP"
    yield from parts


_BARE = {"image/png": _png, "image/jpeg": _jpeg, "image/webp": _webp}
