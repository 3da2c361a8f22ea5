"""`reseal`: put every stored secret under the first of DEPLOYMENT_KEYS, so that the others can be taken out. Safe to repeat."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from apps.tenants import organisation, scope, twofactor
from apps.tenants.models import Tenant
from chatwithus.management.acting import acting


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Exits 1 where a secret was sealed with a key that is not there any more; that one has to be typed in again."""
        with acting():
            done, lost = _resealed()
        self.stdout.write(f"reseal: {done} secrets, {len(lost)} that no key opens")
        for one in lost:
            self.stderr.write(f"  {one}")
        if lost:
            sys.exit(1)


def _resealed() -> tuple[int, list[str]]:
    done, phones = twofactor.reseal()
    lost = [f"second factor of {name}" for name in phones]
    for tenant in Tenant.objects.order_by("slug"):
        with scope.scoped_to(tenant.id):
            resealed, unsealable = organisation.reseal()
        done += resealed
        lost += [f"{tenant.slug}: {name}" for name in unsealable]
    return done, lost
