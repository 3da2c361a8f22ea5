"""The words on the wire: every frame a client may be sent, built in one place. docs/protocol.md is the contract."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import orjson

from apps.chats.conversations import Asked
from apps.chats.models import ContentChat

Frame = dict[str, Any]


def frame(kind: str, **fields: Any) -> Frame:
    return {"v": 1, "type": kind, "ts": _now(), **fields}


def encode(message: Frame) -> str:
    return orjson.dumps(message, option=orjson.OPT_NON_STR_KEYS).decode()


def ack(asked: Asked) -> Frame:
    return frame(
        "ack",
        chat=asked.chat.id,
        seq=asked.seq,
        client_message_id=asked.exchange.client_message_id,
        exchange=asked.exchange.number,
    )


def started(exchange: ContentChat) -> Frame:
    return frame("reply.started", **_name(exchange))


def delta(exchange: ContentChat, index: int, text: str) -> Frame:
    return frame("reply.delta", **_name(exchange), index=index, text=text)


def citations(exchange: ContentChat, found: list[Frame]) -> Frame:
    return frame("reply.citations", **_name(exchange), citations=found)


def completed(
    exchange: ContentChat, *, seq: int | None, usage: dict[str, int], grounded: bool, sha256: str
) -> Frame:
    return frame("reply.completed", **_name(exchange), seq=seq, usage=usage, grounded=grounded, sha256=sha256)


def cancelled(exchange: ContentChat, *, seq: int | None, reason: str) -> Frame:
    return frame("reply.cancelled", **_name(exchange), seq=seq, reason=reason)


def failed(exchange: ContentChat, *, seq: int | None, code: str, retryable: bool) -> Frame:
    return frame("reply.failed", **_name(exchange), seq=seq, code=code, retryable=retryable)


def retold(exchange: ContentChat) -> list[Frame]:
    """A finished exchange as the frames that would have told it: one delta, then its end."""
    told = [started(exchange)]
    if exchange.response:
        told.append(delta(exchange, 0, exchange.response))
    if exchange.state == ContentChat.State.COMPLETED:
        sha256 = hashlib.sha256(exchange.response.encode()).hexdigest()
        told.append(citations(exchange, exchange.citations))
        told.append(
            completed(
                exchange, seq=None, usage=exchange.usage, grounded=bool(exchange.grounded), sha256=sha256
            )
        )
    elif exchange.state == ContentChat.State.STOPPED:
        told.append(cancelled(exchange, seq=None, reason="stopped"))
    else:
        told.append(failed(exchange, seq=None, code="interrupted", retryable=True))
    return told


def error(code: str, detail: str, **fields: Any) -> Frame:
    return frame("error", code=code, detail=detail, **fields)


def message(exchange: ContentChat) -> Frame:
    """A finished or running exchange as `welcome` retells it."""
    return {
        "exchange": exchange.number,
        "client_message_id": exchange.client_message_id,
        "request": exchange.request,
        "response": exchange.response,
        "citations": exchange.citations,
        "grounded": exchange.grounded,
        "state": exchange.state,
        "created_at": exchange.created_at,
    }


def _name(exchange: ContentChat) -> Frame:
    return {"chat": exchange.chat_id, "exchange": exchange.number, "epoch": exchange.epoch}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
