"""What shuts somebody out is pushed, where it is saved as a model. Whatever changes otherwise is found by the next poll: see watch.py."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from apps.tenants import watch
from apps.tenants.models import ApiKey, Membership, Tenant

GUARDED = (get_user_model(), Tenant, Membership, ApiKey)
HARMLESS = {"last_login", "last_used_at"}


@receiver(post_save, dispatch_uid="push-saved")
def saved(sender: Any, created: bool, update_fields: frozenset[str] | None, **_: Any) -> None:
    if sender in GUARDED and not created and not (update_fields and update_fields <= HARMLESS):
        watch.push_on_commit()


@receiver(post_delete, dispatch_uid="push-deleted")
def deleted(sender: Any, **_: Any) -> None:
    if sender in (*GUARDED, Session):
        watch.push_on_commit()
