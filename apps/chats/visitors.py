"""Who a visitor is: anonymous by a token that we sign, or by the word of the tenant's own server (see tenants/identity.py).

A token is bound to one agent and so to its tenant, and its lifetime is absolute. One that was given to somebody whom the tenant
vouched for ends with that word, and with the secret that signed it."""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from apps.chats import models
from apps.tenants import identity
from apps.tenants.identity import Person
from apps.tenants.models import Tenant

_SALT = "chatwithus.visitor"
_LONGEST = 1000
_SEEN_EVERY = timedelta(hours=1)


class BadToken(ValueError):
    """The token was not signed here, has expired, or was given out for another agent."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """`expires_at` is in seconds since 1970; `vouched_by` names the secret that vouched for them, where one did."""

    id: str
    agent_id: UUID
    expires_at: int
    vouched_by: str = ""


def new(agent_id: UUID) -> Visitor:
    """Somebody nobody knows yet."""
    return Visitor(
        f"v_{secrets.token_urlsafe(12)}", agent_id, int(time.time()) + settings.VISITOR_TOKEN_DAYS * 86400
    )


def identified(agent_id: UUID, tenant_id: UUID, person: Person) -> Visitor:
    """The same visitor wherever this person comes from. No anonymous visitor and no other tenant's has this id."""
    digest = hashlib.sha256(tenant_id.bytes + person.subject.encode()).digest()
    name = f"u_{base64.urlsafe_b64encode(digest[:24]).decode()}"
    return Visitor(name, agent_id, person.expires_at, person.vouched_by)


def issue(visitor: Visitor) -> str:
    """A signed token; using it does not prolong it."""
    return signing.dumps(
        [visitor.id, visitor.agent_id.hex, visitor.expires_at, visitor.vouched_by], salt=_SALT
    )


def read(token: str, *, agent_id: UUID | None = None) -> Visitor:
    """The visitor this token was issued to, for this agent where one is named. Raises BadToken."""
    try:
        visitor = _read(token)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadToken("The visitor token is not valid any more.") from error
    if visitor.expires_at <= time.time():
        raise BadToken("The visitor token is not valid any more.")
    if agent_id is not None and visitor.agent_id != agent_id:
        raise BadToken("The visitor token belongs to another agent.")
    return visitor


def recognise(agent_id: UUID, signed: str, tenant: Tenant) -> Visitor:
    """Whom the tenant in scope vouches for with this JWT; what it tells of them is kept. Raises BadIdentity."""
    person = identity.read(signed, tenant)
    visitor = identified(agent_id, tenant.id, person)
    _meet(visitor, person)
    return visitor


def _meet(visitor: Visitor, person: Person) -> None:
    """Keep what the tenant says of a person, for its staff to see."""
    told = {"subject": person.subject, "name": person.name, "email": person.email}
    known = models.Visitor.objects.filter(
        visitor=visitor.id, **told, seen_at__gt=timezone.now() - _SEEN_EVERY
    )
    if not known.exists():
        models.Visitor.objects.update_or_create(
            visitor=visitor.id, defaults={**told, "seen_at": timezone.now()}
        )


def told_of(field: str) -> Subquery:
    """What the tenant told of the person behind a chat, for a query of chats; null where nobody vouched for them."""
    return Subquery(models.Visitor.objects.filter(visitor=OuterRef("visitor")).values(field)[:1])


def person_of(chat: models.Chat) -> models.Visitor | None:
    return models.Visitor.objects.filter(visitor=chat.visitor).first()


def last_chat(visitor: Visitor) -> UUID | None:
    """The chat with this agent that a person whom the tenant vouches for finds again on another device."""
    open_chats = models.Chat.objects.filter(visitor=visitor.id, agent_id=visitor.agent_id, resolved_at=None)
    return open_chats.order_by("-last_at").values_list("id", flat=True).first()


def _read(token: str) -> Visitor:
    if len(token) > _LONGEST:
        raise ValueError("No token is as long.")
    longest = timedelta(days=settings.VISITOR_TOKEN_DAYS)
    visitor_id, agent_hex, expires_at, vouched_by = signing.loads(token, salt=_SALT, max_age=longest)
    return Visitor(visitor_id, UUID(agent_hex), expires_at, vouched_by)
