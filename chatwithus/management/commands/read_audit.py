"""`read_audit`: an organisation's audit log, newest first, one line each: when, who, what, to what, and how it ended."""

import json
from typing import Any

from apps.tenants import journal
from apps.tenants.models import AuditEntry, Tenant
from chatwithus.management.acting import TenantCommand


class Command(TenantCommand):
    help = __doc__

    def add_more(self, parser: Any) -> None:
        parser.add_argument("--action", default="", help="a thing (key) or a thing and a verb (key.revoked)")
        parser.add_argument("--actor", default="", help="a part of a name")
        parser.add_argument("--outcome", default="", choices=AuditEntry.Outcome.values)
        parser.add_argument("--limit", type=int, default=50)

    def run(
        self, tenant: Tenant, *, action: str, actor: str, outcome: str, limit: int, **options: Any
    ) -> str:
        found = journal.entries(action=action, actor=actor, outcome=outcome).order_by("-at", "-id")
        return "\n".join(map(_line, found[: max(0, limit)]))


def _line(entry: AuditEntry) -> str:
    facts = json.dumps(entry.facts, ensure_ascii=False) if entry.facts else ""
    who = entry.actor_name or entry.actor_kind
    said = (
        f"{entry.at:%Y-%m-%dT%H:%M:%SZ} {who}: {entry.action} ({entry.outcome}) {entry.target_name} {facts}"
    )
    return " ".join(said.split())
