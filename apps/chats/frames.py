"""Inbound JSON → a frame, or BadFrame: the only place where what a client sent is read."""

import math
from typing import Any
from uuid import UUID

import orjson

from apps.chats.entries import Position
from apps.tenants.limits import TooMany

# Bytes; far above the longest message, so that one that is too long can still be told why.
LARGEST = 256 * 1024
_MAX_ID = 64


class BadFrame(ValueError):
    """A frame that cannot be acted on; the socket stays open and is told `code`."""

    def __init__(self, code: str, detail: str, **fields: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.fields = fields


def too_many(error: TooMany, **fields: Any) -> BadFrame:
    """A limit is reached: the client may send the frame again in `retry_after` seconds."""
    return BadFrame("too_many", str(error), retry_after=math.ceil(error.retry_after), **fields)


def parse(data: str | bytes | None) -> dict[str, Any]:
    """A JSON object with a `type`; unknown fields are kept and ignored later."""
    try:
        frame = orjson.loads(data or b"")
    except orjson.JSONDecodeError:
        raise BadFrame("bad_json", "The frame is not JSON.") from None
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise BadFrame("bad_frame", 'A frame is a JSON object with a "type".')
    return frame


def text(frame: dict[str, Any], name: str, *, default: str | None = None) -> str:
    value = default if frame.get(name) is None else frame[name]
    if not isinstance(value, str):
        raise BadFrame("bad_frame", f'"{name}" must be a string.', field=name)
    return value


def identifier(frame: dict[str, Any], name: str) -> str:
    value = text(frame, name)
    if not 1 <= len(value) <= _MAX_ID or not value.isprintable():
        raise BadFrame("bad_frame", f'"{name}" must have 1 to {_MAX_ID} printable characters.', field=name)
    return value


def uuid(frame: dict[str, Any], name: str) -> UUID | None:
    if frame.get(name) is None:
        return None
    try:
        return UUID(text(frame, name))
    except ValueError:
        raise BadFrame("bad_frame", f'"{name}" must be a UUID.', field=name) from None


def number(frame: dict[str, Any], name: str, *, default: int | None = None, most: int = 2**53) -> int:
    """A whole number from 0 on."""
    value = default if frame.get(name) is None else frame[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise BadFrame("bad_frame", f'"{name}" must be a whole number from 0 to {most}.', field=name)
    return value


def position(frame: dict[str, Any]) -> Position | None:
    """Where `resume` says that its client stands; None where it says nothing."""
    said = frame.get("resume")
    if said is None or (isinstance(said, dict) and said.get("seq") is None):
        return None
    if not isinstance(said, dict):
        raise BadFrame("bad_frame", '"resume" must be an object.', field="resume")
    seq = number(said, "seq")
    if said.get("exchange") is None or said.get("index") is None:
        return Position(seq)
    return Position(seq, number(said, "exchange"), number(said, "epoch"), number(said, "index"))
