"""Answers that no server should give: what a good one says, with something done to it. The same number gives the same one."""

import random
from collections.abc import Callable

from tests.upstream import Script
from tests.wires import Wire

NOISE = (
    b"\xff\xfe",
    b"\x00" * 9,
    b"\r\n\r\n",
    b"{" * 3000,
    b"data: ",
    b"null\n",
    b"\xc3",
    b'{"error":{}}\n',
    b"[DONE]",
    b"\n" * 50,
    b"9" * 4000,
)
Change = Callable[[random.Random, bytes], bytes]


def script(wire: Wire, number: int) -> Script:
    """One answer: mostly at the level of its own language, now and then at that of HTTP."""
    chance = random.Random(number)
    words = tuple(
        chance.choice(("so ", "é", "日本 ", "\n", '"', "\\", "")) for _ in range(chance.randrange(8))
    )
    good = b"".join(map(wire.piece, words)) + (wire.end() if chance.random() < 0.7 else b"")
    body = good
    for _ in range(chance.randrange(1, 4)):
        body = chance.choice(CHANGES)(chance, body)
    if chance.random() < 0.2:
        return Script(wild=_wild(chance, wire, body))
    return Script(raw=body)


def _flip(chance: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.randrange(1, 5) if changed else 0):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _cut(chance: random.Random, body: bytes) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


def _drop(chance: random.Random, body: bytes) -> bytes:
    at = chance.randrange(len(body) + 1)
    return body[:at] + body[at + chance.randrange(1, 40) :]


def _repeat(chance: random.Random, body: bytes) -> bytes:
    at, much = chance.randrange(len(body) + 1), chance.randrange(1, 80)
    return body[:at] + body[at : at + much] * chance.randrange(2, 5) + body[at:]


def _insert(chance: random.Random, body: bytes) -> bytes:
    at = chance.randrange(len(body) + 1)
    return body[:at] + chance.choice(NOISE) + body[at:]


def _noise(chance: random.Random, body: bytes) -> bytes:
    return chance.randbytes(chance.randrange(400))


def _types(chance: random.Random, body: bytes) -> bytes:
    """Values of other kinds than were promised."""
    old = chance.choice(
        (
            b'"content"',
            b'"text"',
            b'"delta"',
            b'"choices"',
            b'"message"',
            b'"usage"',
            b"true",
            b"false",
            b"11",
            b'"m"',
            b'"stop"',
        )
    )
    return body.replace(
        old,
        chance.choice((b"null", b"-1", b"[]", b'"x"', b"1e999", b"{}", b'"role"')),
        chance.randrange(1, 3),
    )


CHANGES: tuple[Change, ...] = (_flip, _cut, _drop, _repeat, _insert, _noise, _types)


def _wild(chance: random.Random, wire: Wire, body: bytes) -> bytes:
    """Not even good HTTP."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {wire.content_type}\r\n".encode()
    length = chance.choice((str(len(body)), str(len(body) + 10), "0", "-1", "x", "99999999999999999999"))
    framed = chance.choice((
        head + b"Content-Length: " + length.encode() + b"\r\n\r\n" + body,
        head + b"\r\n" + body,
        head + b"Transfer-Encoding: chunked\r\n\r\n" + b"ffff\r\n" + body,
        head + b"Transfer-Encoding: chunked\r\n\r\n" + b"zz\r\n" + body,
        head + b"Content-Encoding: gzip\r\n\r\n" + body,
        head.replace(b"200 OK", b"999 ?") + b"\r\n" + body,
        b"HTTP/9.9 200\r\n\r\n" + body,
        body,
        b"",
    ))  # fmt: skip
    return _flip(chance, framed) if chance.random() < 0.3 else framed
