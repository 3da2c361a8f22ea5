"""The words on the wire: every frame that a client may be sent, built in one place. docs/protocol.md is the contract."""

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from apps.chats.entries import DELTA, ENDS, STARTED, Entry, Position
from apps.chats.models import Chat, ContentChat, Event

__all__ = ["ENDS", "STARTED", "Entry", "Position"]

Frame = dict[str, Any]


def frame(kind: str, **fields: Any) -> Frame:
    return {"v": 1, "type": kind, "ts": at(datetime.now(UTC)), **fields}


def encode(message: Frame) -> str:
    return orjson.dumps(message).decode()


def decode(text: str) -> Entry:
    """An Entry of a delta or of a reply's start that was read from the log of another process."""
    read = orjson.loads(text)
    said = read.get("text", "")
    return Entry(read["type"], text, None, read["exchange"], read["epoch"], read.get("index"), said)


def durable(event: Event) -> Entry:
    """A recorded event, the same whether it is told as it happens or replayed years later."""
    name = {"v": 1, "type": event.type, "chat": event.chat_id, "seq": event.seq, "ts": at(event.created_at)}
    body = event.body
    return Entry(event.type, encode(name | body), event.seq, body.get("exchange", 0), body.get("epoch", 0))


def delta(exchange: int, epoch: int, index: int, text: str) -> Entry:
    """Nothing but its name and its text: it is sent some forty times a second."""
    told = (
        f'{{"type":"{DELTA}","exchange":{exchange},"epoch":{epoch},"index":{index},"text":'
        f"{orjson.dumps(text).decode()}}}"
    )
    return Entry(DELTA, told, None, exchange, epoch, index, text)


def started_again(chat_id: UUID, exchange: int, epoch: int) -> Entry:
    """The start of a reply whose durable start the reader has seen already: its text follows from the beginning."""
    told = frame(STARTED, chat=chat_id, seq=None, exchange=exchange, epoch=epoch)
    return Entry(STARTED, encode(told), None, exchange, epoch)


def citations(exchange: ContentChat) -> Entry:
    told = frame(
        "reply.citations",
        chat=exchange.chat_id,
        exchange=exchange.number,
        epoch=exchange.epoch,
        citations=exchange.citations,
    )
    return Entry("reply.citations", encode(told), None, exchange.number, exchange.epoch)


def ack(exchange: ContentChat, seq: int) -> Entry:
    told = frame(
        "ack",
        chat=exchange.chat_id,
        seq=seq,
        client_message_id=exchange.client_message_id,
        exchange=exchange.number,
    )
    return Entry("ack", encode(told), None, exchange.number)


def aside(kind: str, **fields: Any) -> Entry:
    """A frame that is told as it happens, or never."""
    return Entry(kind, encode(frame(kind, **fields)))


def error(code: str, detail: str, **fields: Any) -> Frame:
    return frame("error", code=code, detail=detail, **fields)


def message(exchange: ContentChat) -> Frame:
    """An exchange as `welcome` retells it; a running reply's text follows as deltas."""
    return {
        "exchange": exchange.number,
        "from": "staff" if exchange.is_from_staff else "visitor",
        "name": speaker(exchange.staff) if exchange.is_from_staff else None,
        "client_message_id": exchange.client_message_id,
        "request": exchange.request,
        "response": exchange.response,
        "citations": exchange.citations,
        "grounded": exchange.grounded,
        "state": exchange.state,
        "reason": exchange.reason,
        "feedback": exchange.feedback,
        "feedback_comment": exchange.comment,
        "created_at": at(exchange.created_at),
    }


def handler(chat: Chat, avatar: str | None) -> Frame:
    """Who handles a chat, for whoever comes to it; `avatar` is the address of its assignee's picture."""
    name = speaker(chat.assignee) if chat.handled_by == Chat.HandledBy.STAFF else None
    person = {"name": name, "avatar": name and avatar}
    return {"handled_by": chat.handled_by, **person, "resolved": chat.resolved_at is not None}


def speaker(user: Any) -> str:
    """What visitors call a member of staff: never a login or an e-mail address."""
    return (user.get_short_name() if user else "") or "Support"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def at(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
