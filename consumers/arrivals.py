"""Who comes through the visitor's door, and to which chat."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from apps.agents import faces
from apps.chats import conversations, frames, visitors
from apps.chats.conversations import NoSuchChat
from apps.chats.visitors import Visitor
from apps.tenants import access, identity
from apps.tenants.hops import hop


async def who(frame: dict[str, Any], agent_id: UUID) -> tuple[Visitor, str]:
    """Whom the tenant vouches for, or whose token this is, or somebody new; and their token."""
    if signed := frames.text(frame, "jwt", default=""):
        try:
            return await hop(_identified)(agent_id, signed)
        except identity.BadIdentity as error:
            raise frames.BadFrame("bad_identity", str(error)) from None
    visitor, token = _by_token(frame, agent_id)
    if visitor.vouched_by and not await hop(_is_vouched_for)(visitor):
        return _stranger(agent_id)
    return visitor, token


def admitted_as(visitor: Visitor) -> access.Admitted:
    """As whom and until when this visitor may be here. Raises NotAdmitted."""
    admitted = access.current()
    if admitted is None:
        raise access.NotAdmitted
    return access.vouched(admitted, visitor.vouched_by, visitor.expires_at)


def recalled(
    agent_id: UUID, chat_id: UUID | None, visitor: Visitor, is_fresh: bool
) -> tuple[faces.Face, UUID | None]:
    """What the visitor sees of the agent, and the chat they come back to: the one they name, if it is theirs, otherwise
    the last one of a person whom the tenant vouches for, unless they want to begin a new one. Raises NotAdmitted."""
    agent = faces.of(agent_id)
    if agent is None:
        raise access.NotAdmitted
    with suppress(NoSuchChat):
        if chat_id is not None:
            return agent, conversations.find(chat_id, agent_id=agent_id, visitor=visitor.id).id
    return agent, visitors.last_chat(visitor) if visitor.vouched_by and not is_fresh else None


def _is_vouched_for(visitor: Visitor) -> bool:
    admitted = admitted_as(visitor)
    return admitted.ticket is not None and admitted.ticket.again() is not None


def _by_token(frame: dict[str, Any], agent_id: UUID) -> tuple[Visitor, str]:
    """Whose token this is, and the token as it came: handing out a fresh one would prolong it. One that does not hold, or
    none, starts a new visitor, who sees nobody's history."""
    token = frames.text(frame, "token", default="")
    try:
        return visitors.read(token, agent_id=agent_id), token
    except visitors.BadToken:
        return _stranger(agent_id)


def _stranger(agent_id: UUID) -> tuple[Visitor, str]:
    visitor = visitors.new(agent_id)
    return visitor, visitors.issue(visitor)


def _identified(agent_id: UUID, signed: str) -> tuple[Visitor, str]:
    """Raises BadIdentity, NotAdmitted."""
    admitted = access.current()
    if admitted is None:
        raise access.NotAdmitted
    visitor = visitors.recognise(agent_id, signed, admitted.tenant)
    return visitor, visitors.issue(visitor)
