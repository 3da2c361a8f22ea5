"""What may be shown to everybody: a picture, and nothing that was written beside it."""

import io
import random

import pytest
from PIL import Image

from apps.tenants import pictures

GPS = "CANARY 59.3N 18.1E"


def made(kind: str, **options: object) -> bytes:
    """A picture with a place in its Exif, in a comment and in XMP."""
    exif = Image.Exif()
    exif[0x010E] = GPS
    given = {"exif": exif, "xmp": GPS.encode(), "comment": GPS.encode()} if kind != "PNG" else {"exif": exif}
    out = io.BytesIO()
    Image.effect_noise((24, 24), 60).convert("RGB").save(out, kind, **{**given, **options})
    return out.getvalue()


def pixels(image: bytes) -> bytes:
    with Image.open(io.BytesIO(image)) as opened:
        opened.load()
        return opened.convert("RGB").tobytes()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_a_camera_wrote_beside_a_picture_is_gone_and_the_picture_is_the_same(kind: str) -> None:
    image = made(kind)
    assert GPS.encode() in image
    kept = pictures.check(image + b"<script>hit()</script>")
    assert b"CANARY" not in kept
    assert b"script" not in kept
    assert pixels(kept) == pixels(image)
    assert pictures.check(kept) == kept


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_is_cut_or_broken_is_refused_or_bare_and_never_an_error_of_ours(kind: str) -> None:
    image, dice = made(kind), random.Random(7)
    for _ in range(400):
        broken = bytearray(image[: dice.randrange(len(image))])
        for _ in range(dice.randrange(4)):
            if broken:
                broken[dice.randrange(len(broken))] = dice.randrange(256)
        try:
            pictures.check(bytes(broken))
        except pictures.BadPicture:
            continue
