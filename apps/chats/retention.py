"""Forgetting: chats in which nothing was said for as long as their tenant keeps them are deleted, with all that was said."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from apps.chats.models import Chat, Visitor
from apps.tenants import audit

BATCH = 200  # few enough that nobody waits long behind their locks


def delete_silent(kept: timedelta) -> int:
    """How many chats went. Hourly counts on the dashboard stay: they hold no words and name nobody."""
    deleted = 0
    while gone := _delete_some(kept):
        deleted += gone
    _forget_people(kept)
    if deleted:
        audit.note("chats.deleted", count=deleted, days=kept.days)
    return deleted


@transaction.atomic
def _delete_some(kept: timedelta) -> int:
    """Locked first, and those passed over that somebody else holds: a visitor who comes back this second keeps their chat."""
    old = Chat.objects.filter(last_at__lt=timezone.now() - kept).order_by("last_at")
    ids = list(old.select_for_update(skip_locked=True).values_list("id", flat=True)[:BATCH])
    Chat.objects.filter(id__in=ids).delete()
    return len(ids)


def _forget_people(kept: timedelta) -> None:
    """Whoever was not seen for as long and has no chat left: their name and address go with what they said."""
    spoken = Exists(Chat.objects.filter(visitor=OuterRef("visitor")))
    Visitor.objects.filter(seen_at__lt=timezone.now() - kept).exclude(spoken).delete()
