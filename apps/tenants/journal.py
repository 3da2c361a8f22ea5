"""Reading the audit log of the tenant in scope; `audit.note` writes it."""

from datetime import datetime

from django.db.models import QuerySet

from apps.tenants.models import AuditEntry


def entries(
    *,
    action: str = "",
    actor: str = "",
    outcome: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEntry]:
    """`action` is a thing (`key`) or a thing and a verb (`key.revoked`), `actor` a part of a name; empty means any."""
    found = AuditEntry.objects.all()
    if action:
        found = (
            found.filter(action=action) if "." in action else found.filter(action__startswith=f"{action}.")
        )
    if actor:
        found = found.filter(actor_name__icontains=actor)
    if outcome:
        found = found.filter(outcome=outcome)
    if since:
        found = found.filter(at__gte=since)
    return found.filter(at__lt=until) if until else found
