"""Pictures that anybody may be shown: what browsers draw and nothing runs in, told by its content and never by its name."""

import hashlib
from collections.abc import Callable
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
    """The same bytes, where they may be shown. Raises BadPicture."""
    if len(image) > LARGEST:
        raise BadPicture(f"The image is larger than {LARGEST // 1000} kB: take a smaller one.")
    if kind_of(image) is None:
        raise BadPicture("Take a PNG, JPEG or WebP image.")
    return image


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
