"""The visitor's token: who an anonymous visitor is, for one agent, until it expires."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing

_SALT = "chatwithus.visitor"


class BadToken(ValueError):
    """The token was not signed here, has expired, or was given out for another agent."""


@dataclass(frozen=True, slots=True)
class Visitor:
    id: str
    agent_id: UUID


def new(agent_id: UUID) -> Visitor:
    return Visitor(f"v_{secrets.token_urlsafe(12)}", agent_id)


def issue(visitor: Visitor) -> str:
    """A signed token whose lifetime is absolute: using it does not prolong it."""
    return signing.dumps([visitor.id, visitor.agent_id.hex], salt=_SALT)


def read(token: str, *, agent_id: UUID | None = None) -> Visitor:
    """The visitor this token was issued to, for this agent where one is named. Raises BadToken."""
    try:
        visitor_id, agent_hex = signing.loads(
            token, salt=_SALT, max_age=timedelta(days=settings.VISITOR_TOKEN_DAYS)
        )
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadToken("The visitor token is not valid any more.") from error
    if agent_id is not None and agent_hex != agent_id.hex:
        raise BadToken("The visitor token belongs to another agent.")
    return Visitor(visitor_id, UUID(agent_hex))
