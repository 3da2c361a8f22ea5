"""What model servers send, byte by byte, in the three languages that providers speak."""

import binascii
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apps.agents.providers.base import Connection

INPUT, OUTPUT = 11, 7
KEYS = (
    ("access_key_id", "AKIAEXAMPLECANARY123"),
    ("secret_access_key", "canary/secret+0123456789abcdefghijklmnop"),
)
API_KEY = "sk-canary-0123456789-tail"


@dataclass(frozen=True)
class Wire:
    """One language: how it says a piece, the end, and that something went wrong in the midst."""

    provider: str
    content_type: str
    piece: Callable[[str], bytes]
    end: Callable[..., bytes]  # with what it says that it took, if not INPUT and OUTPUT, and why
    error: Callable[[str], bytes]
    refusal: Callable[[str], bytes]
    text: Callable[[Any], str]  # all that was told, from the body of a request

    def connection(self, port: int, **known: Any) -> Connection:
        url = f"http://127.0.0.1:{port}" + ("/v1" if self.provider == "openai" else "")
        secrets = KEYS if self.provider == "bedrock" else (("api_key", API_KEY),)
        region = "eu-central-1" if self.provider == "bedrock" else ""
        given = {"provider": self.provider, "url": url, "region": region, "secrets": secrets}
        return Connection(**given | {"is_trusted": True} | known)

    @property
    def secret(self) -> str:
        return KEYS[1][1] if self.provider == "bedrock" else API_KEY


def _line(body: dict[str, Any]) -> bytes:
    known = {"model": "m", "created_at": "2026-01-01T00:00:00Z"}
    return json.dumps(known | body, ensure_ascii=False).encode() + b"\n"


def _ollama(text: str, **rest: Any) -> bytes:
    return _line({"message": {"role": "assistant", "content": text}, "done": False} | rest)


OLLAMA = Wire(
    "ollama",
    "application/x-ndjson",
    _ollama,
    lambda into=INPUT, out=OUTPUT, reason="stop": _ollama(
        "", done=True, done_reason=reason, prompt_eval_count=into, eval_count=out
    ),
    lambda message: json.dumps({"error": message}).encode() + b"\n",
    lambda message: json.dumps({"error": message}).encode(),
    lambda body: "".join(one["content"] for one in body["messages"]),
)


def _data(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def _chunk(choices: list[dict[str, Any]], **rest: Any) -> bytes:
    known = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return _data(known | rest)


def _counted(into: Any = INPUT, out: Any = OUTPUT, reason: str = "stop") -> bytes:
    usage = {"prompt_tokens": into, "completion_tokens": out, "total_tokens": INPUT + OUTPUT}
    over = _chunk([{"index": 0, "delta": {}, "finish_reason": reason}])
    return over + _chunk([], usage=usage) + b"data: [DONE]\n\n"


OPENAI = Wire(
    "openai",
    "text/event-stream",
    lambda text: _chunk([{"index": 0, "delta": {"content": text}, "finish_reason": None}]),
    _counted,
    lambda message: b"data: " + json.dumps({"error": {"message": message}}).encode() + b"\n\n",
    lambda message: json.dumps({"error": {"message": message, "type": "invalid"}}).encode(),
    lambda body: "".join(one["content"] for one in body["messages"]),
)


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One message of application/vnd.amazon.eventstream, all of whose headers are strings (type 7)."""
    packed = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(packed) + len(payload), len(packed))
    head = prelude + struct.pack("!I", binascii.crc32(prelude))
    body = head + packed + payload
    return body + struct.pack("!I", binascii.crc32(body))


def event(kind: str, body: dict[str, Any]) -> bytes:
    headers = {":message-type": "event", ":event-type": kind, ":content-type": "application/json"}
    return frame(headers, json.dumps(body, ensure_ascii=False).encode())


def exception(kind: str, message: str) -> bytes:
    headers = {":message-type": "exception", ":exception-type": kind, ":content-type": "application/json"}
    return frame(headers, json.dumps({"message": message}).encode())


def _metadata(into: Any = INPUT, out: Any = OUTPUT, reason: str = "end_turn") -> bytes:
    usage = {"inputTokens": into, "outputTokens": out, "totalTokens": INPUT + OUTPUT}
    counted = event("metadata", {"usage": usage, "metrics": {"latencyMs": 1}})
    return (
        event("contentBlockStop", {"contentBlockIndex": 0})
        + event("messageStop", {"stopReason": reason})
        + counted
    )


def _told(body: Any) -> str:
    said = [*body.get("system", ()), *(one for turn in body["messages"] for one in turn["content"])]
    return "".join(one["text"] for one in said)


BEDROCK = Wire(
    "bedrock",
    "application/vnd.amazon.eventstream",
    lambda text: event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}}),
    _metadata,
    lambda message: exception("modelStreamErrorException", message),
    lambda message: json.dumps({"message": message}).encode(),
    _told,
)
WIRES = {wire.provider: wire for wire in (OLLAMA, BEDROCK, OPENAI)}
