"""Who did what to what: a line is written in the same transaction as the deed, and never changed.

The log only grows, so nobody may make it grow as fast as they like: of what one actor is refused, so many lines an hour are written
(limits.REFUSALS); the rest is counted."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import models, transaction

from apps.tenants import actors, limits, lookup, scope
from apps.tenants.actors import Actor
from apps.tenants.models import AuditEntry, Tenant

logger = logging.getLogger(__name__)

DONE, REFUSED = AuditEntry.Outcome.DONE, AuditEntry.Outcome.REFUSED


def note(action: str, target: models.Model | None = None, *, outcome: str = DONE, **facts: Any) -> None:
    """`action` is `thing.verb`, such as `key.revoked`; `facts` hold names and old and new values, never the words of a chat and
    never a secret. A refused attempt is noted by whoever refuses, outside the transaction that it would have been."""
    who = actors.current()
    target_id = str(target.pk) if target else ""
    if outcome == REFUSED and not _is_room_for(who, target_id):
        return
    AuditEntry.objects.create(
        actor_kind=who.kind,
        actor_id=who.id,
        actor_name=_plain(who.name)[:150],
        action=action,
        target_kind=(target._meta.model_name or "") if target else "",
        target_id=target_id,
        target_name=_plain(str(target))[:150] if target else "",
        outcome=outcome,
        facts=_plain(facts),
    )


@contextmanager
def deed(
    action: str,
    target: models.Model | None = None,
    *,
    refusals: tuple[type[Exception], ...] = (),
    **facts: Any,
) -> Iterator[None]:
    """Note what is done inside, in one transaction with it. Where it raises one of the refusals, nothing was done, and that is noted."""
    try:
        with transaction.atomic():
            note(action, target, **facts)
            yield
    except refusals as error:
        note(action, target, outcome=REFUSED, **facts, reason=str(error))
        raise


def note_of_person(
    user: Any, action: str, *, by: Actor | None = None, outcome: str = DONE, **facts: Any
) -> None:
    """What becomes of a person's account concerns every tenant that they work for. Where nobody is named, whoever acts did it, or
    else this person."""
    who = by or (actors.of(user) if actors.current() == actors.SYSTEM else actors.current())
    for tenant_id in lookup.tenants_of_user(user.pk):
        with scope.scoped_to(tenant_id), actors.acting(who):
            note(action, user, outcome=outcome, **facts)


def note_everywhere(action: str, target: models.Model | None = None, **facts: Any) -> None:
    """What the operator does to the whole installation concerns every tenant, and stands in each one's log."""
    for tenant_id in Tenant.objects.values_list("id", flat=True):
        with scope.scoped_to(tenant_id):
            note(action, target, **facts)


def _is_room_for(who: Actor, target_id: str) -> bool:
    try:
        limits.take((limits.REFUSALS, f"{scope.current()} {who.kind} {who.id} {target_id}"))
    except limits.TooMany as error:
        logger.info("A refusal is not written down: %s", error)
        return False
    return True


def _plain(value: Any) -> Any:
    """On one line, and of characters that a database and a terminal take: a name must not look like a line of its own."""
    if isinstance(value, str):
        return "".join(letter if letter.isprintable() else " " for letter in value)
    if isinstance(value, dict):
        return {name: _plain(held) for name, held in value.items()}
    return [_plain(held) for held in value] if isinstance(value, list | tuple) else value
