"""`show_tenant`: an organisation's settings, people, invitations, keys, credentials and budgets as JSON; never a secret."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from apps.agents import budgets
from apps.tenants import invitations, organisation
from apps.tenants.models import ApiKey, Credential, Invitation, Membership, Tenant
from chatwithus.management.acting import TenantCommand


class Command(TenantCommand):
    help = __doc__

    def run(self, tenant: Tenant, **options: Any) -> str:
        return json.dumps(_described(tenant), cls=DjangoJSONEncoder, indent=2, ensure_ascii=False)


def _described(tenant: Tenant) -> dict[str, Any]:
    members = Membership.objects.order_by("user__username")
    invited = Invitation.objects.filter(**invitations.OPEN).order_by("email")
    keys = ApiKey.objects.order_by("created_at")
    return {
        "id": tenant.id,
        "slug": tenant.slug,
        "suspended_at": tenant.suspended_at,
        "settings": {field: getattr(tenant, field) for field in organisation.SETTINGS},
        "has_identity_secret": bool(tenant.sealed_identity_secret),
        "people": list(members.values("user__username", "role")),
        "invitations": list(invited.values("email", "role", "expires_at")),
        "keys": list(keys.values("prefix", "name", "scopes", "expires_at", "last_used_at", "revoked_at")),
        "credentials": list(Credential.objects.order_by("provider").values("provider", "hint", "updated_at")),
        "budgets": [_budget(gauge) for gauge in budgets.gauges()],
    }


def _budget(gauge: budgets.Gauge) -> dict[str, Any]:
    budget = gauge.budget
    said = {"agent": budget.agent_id, "period": budget.period, "tokens": budget.tokens, "cost": budget.cost}
    return said | {
        "tokens_used": gauge.tokens_used,
        "cost_used": gauge.cost_used,
        "resets_at": gauge.resets_at,
    }
