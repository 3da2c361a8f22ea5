"""`keep_credential`: what a provider asks of an organisation, as JSON on standard input, so that it stands in no list of processes."""

import json
import sys
from typing import Any

from django.core.management.base import CommandError

from apps.tenants import credentials
from apps.tenants.models import Tenant
from chatwithus.management.acting import TenantCommand


class Command(TenantCommand):
    help = __doc__

    def add_more(self, parser: Any) -> None:
        parser.add_argument("provider", choices=credentials.FIELDS)

    def run(self, tenant: Tenant, *, provider: str, **options: Any) -> str:
        try:
            kept = credentials.keep(provider, _read())
        except credentials.BadCredential as error:
            raise CommandError(f"{error.field}: {error}") from None
        return f"Kept: {kept}"


def _read() -> dict[str, str]:
    try:
        told = json.loads(sys.stdin.read())
    except ValueError:
        told = None
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise CommandError('Standard input must be JSON such as {"api_key": "…"}.')
    return told
