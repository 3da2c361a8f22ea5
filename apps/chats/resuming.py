"""How a reader goes on from where they stand, by what the database tells and what this process has heard."""

from typing import Any

from apps.chats import chatlog, events, recall
from apps.chats.chatlog import ChatLog, Latest
from apps.chats.events import Entry, Position
from apps.chats.feed import Feed
from apps.chats.models import Event
from apps.chats.recall import Recalled


def is_whole(event: Event) -> bool:
    """A reply's end that vouches for its text: where nobody could know it, readers keep what they have."""
    return event.type in events.ENDS and event.body.get("sha256") is not None


def as_told(log: ChatLog, found: Recalled) -> list[Entry]:
    """Events as entries of this log: before a reply's end comes what the log has not heard of it."""
    told: list[Entry] = []
    for event in found.missed:
        entry = events.durable(event)
        row = found.ended.get((entry.exchange, entry.epoch)) if is_whole(event) else None
        told += [*(log.retold(row) if row else []), entry]
    return told


def continued(log: ChatLog, found: Recalled, position: Position) -> dict[str, Any] | None:
    """How to go on from a position without a gap; None where that is not possible and everything is to be told anew."""
    if position.seq > found.seq or len(found.missed) > recall.FARTHEST:
        return None
    backlog = _replayed(found, position)
    reached = position
    for entry in backlog:
        reached = reached.after(entry)
    if reached.reply is not None and reached.reply != found.running:
        return None
    if reached.reply is None and found.running is not None:  # its start was seen, of its text nothing
        backlog.append(events.started_again(log.chat_id, *found.running))
        reached = Position(found.seq, *found.running)
    told = reached._replace(seq=found.seq)
    return {"told": told, "backlog": backlog, "welcome": _welcome(found, [], True)}


def _replayed(found: Recalled, position: Position) -> list[Entry]:
    """Missed events, and before the end of each reply what was missed of it."""
    known = {position.reply: position.index + 1}
    told: list[Entry] = []
    for event in found.missed:
        entry = events.durable(event)
        name = (entry.exchange, entry.epoch)
        if entry.type == events.STARTED:
            known[name] = 0
        elif is_whole(event) and name in found.ended:
            row = found.ended[name]
            told += chatlog.rest_of(row, known.get(name)) + chatlog.cited(row)
        told.append(entry)
    return told


def anew(log: ChatLog, found: Recalled, start: int, *, recovered: bool) -> Feed:
    position = told = Position(found.seq)
    backlog = []
    if found.running is not None:
        told = Position(found.seq, *found.running)
        backlog = [events.started_again(log.chat_id, *found.running)]
    welcome = _welcome(found, found.messages, recovered)
    return Feed(log, start=start, position=position, told=told, backlog=backlog, welcome=welcome)


def start_of(found: Recalled, start: int, *known: Latest | None) -> int:
    """From where in the log on nothing is lacking: the running reply's beginning, if that was earlier. It may have ended since, and
    another may have begun."""
    return min(
        [start, *(reply.start for reply in known if reply is not None and reply.name == found.running)]
    )


def _welcome(found: Recalled, messages: list[dict[str, Any]], recovered: bool) -> dict[str, Any]:
    return {
        "chat": found.chat.id,
        **events.handler(found.chat, found.avatar),
        "csat": found.chat.csat,
        "has_email": bool(found.chat.email),
        "last_seq": found.seq,
        "recovered": recovered,
        "messages": messages,
        "has_earlier": found.has_earlier,
    }
