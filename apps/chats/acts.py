"""What a visitor does in a chat beside asking: one table from a frame's type to its story, for the socket and for REST alike."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any
from uuid import UUID

from apps.chats import bell, frames, handoff, hub, impressions, replies
from apps.chats.conversations import BadMessage
from apps.chats.frames import BadFrame
from apps.tenants import access
from apps.tenants.hops import hop

Frame = dict[str, Any]
LONGEST_COMMENT = 1000


async def act(chat_id: UUID, frame: Frame, *, offers: Collection[str]) -> None:
    """Raises BadFrame where the frame is wrong or the agent does not offer this, NoSuchChat, NotAdmitted."""
    require(frame, offers)
    try:
        await ACTS[frame["type"]](chat_id, frame)
    except BadMessage as error:
        named = {"field": _WRONG[error.code]} if error.code in _WRONG else {}
        raise BadFrame(error.code, str(error), **named) from None


def require(frame: Frame, offers: Collection[str]) -> None:
    """Raises BadFrame where nobody does this, or this agent does not offer it."""
    kind = frame["type"]
    if kind not in ACTS:
        raise BadFrame("unknown_type", f"There is no frame called {kind[:40]!r} here.")
    if (offer := NEEDS.get(kind)) and offer not in offers:
        raise BadFrame("not_offered", "This is not offered here.")


def read_context(frame: Frame) -> dict[str, impressions.Facts]:
    """What a page says. Raises BadFrame."""
    return {name: _facts(frame, name) for name in ("context", "attributes")}


async def _stop(chat_id: UUID, frame: Frame) -> None:
    await hop(access.recheck)("chats.ask")
    if not await replies.stop(chat_id):
        raise BadFrame("nothing_to_stop", "No reply is running.")


async def _ask_for_a_person(chat_id: UUID, frame: Frame) -> None:
    await handoff.request(chat_id)


async def _type(chat_id: UUID, frame: Frame) -> None:
    bell.typing(chat_id, "visitor")


async def _thumb(chat_id: UUID, frame: Frame) -> None:
    number, value = frames.number(frame, "exchange", most=2**31 - 1), frame.get("value")
    if value not in (1, -1) or isinstance(value, bool):
        raise BadFrame("bad_frame", '"value" must be 1 or -1.', field="value")
    await _leave(impressions.thumb, chat_id, number, int(value), _comment(frame))


async def _rate(chat_id: UUID, frame: Frame) -> None:
    value = frames.number(frame, "value", most=5)
    if value == 0:
        raise BadFrame("bad_frame", '"value" must be a whole number from 1 to 5.', field="value")
    await _leave(impressions.rate, chat_id, value, _comment(frame))


async def _leave_email(chat_id: UUID, frame: Frame) -> None:
    await _leave(impressions.leave_email, chat_id, frames.text(frame, "address").strip())


async def _describe(chat_id: UUID, frame: Frame) -> None:
    await _leave(impressions.describe, chat_id, read_context(frame))


async def _leave(story: Callable[..., Any], chat_id: UUID, *said: Any) -> None:
    told = await hop(story)(chat_id, *said)
    hub.here().log(chat_id).tell(told)


def _comment(frame: Frame) -> str:
    comment = frames.text(frame, "comment", default="").strip()
    if len(comment) > LONGEST_COMMENT or "\x00" in comment:
        detail = f'"comment" may have {LONGEST_COMMENT:,} characters.'
        raise BadFrame("bad_frame", detail, field="comment")
    return comment


def _facts(frame: Frame, name: str) -> impressions.Facts:
    try:
        return impressions.facts({} if frame.get(name) is None else frame[name])
    except ValueError as error:
        raise BadFrame("bad_frame", f'"{name}" {error}.', field=name) from None


ACTS: dict[str, Callable[[UUID, Frame], Awaitable[None]]] = {
    "reply.stop": _stop,
    "handoff.request": _ask_for_a_person,
    "typing": _type,
    "feedback": _thumb,
    "csat": _rate,
    "email": _leave_email,
    "context": _describe,
}
_WRONG = {"no_such_answer": "exchange", "bad_email": "address"}  # the field of which a story complains
# What an agent has to offer for it; see apps.agents.models.Widget.
NEEDS = {"handoff.request": "person", "feedback": "feedback", "csat": "csat", "email": "email"}
EPHEMERAL = frozenset({"reply.stop", "typing"})  # nothing is written, so nothing is counted
