"""Who did what to what: a line is written in the same transaction as the deed, and never changed."""

from typing import Any

from django.db import models

from apps.tenants import actors
from apps.tenants.models import AuditEntry

DONE, REFUSED = AuditEntry.Outcome.DONE, AuditEntry.Outcome.REFUSED


def note(action: str, target: models.Model | None = None, *, outcome: str = DONE, **facts: Any) -> None:
    """`action` is `thing.verb`, such as `key.revoked`; `facts` hold names and old and new values, never the words of a chat and
    never a secret. A refused attempt is noted by whoever refuses, outside the transaction that it would have been."""
    who = actors.current()
    AuditEntry.objects.create(
        actor_kind=who.kind,
        actor_id=who.id,
        actor_name=who.name[:150],
        action=action,
        target_kind=target._meta.model_name if target else "",
        target_id=str(target.pk) if target else "",
        target_name=str(target)[:150] if target else "",
        outcome=outcome,
        facts=facts,
    )
