"""What commands about one tenant share: its slug, its scope, and the name of whoever typed them, for the audit log."""

import getpass
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.tenants import actors, roles, scope
from apps.tenants.access import Admitted
from apps.tenants.actors import Actor
from apps.tenants.models import Membership, Tenant


class TenantCommand(BaseCommand):
    """Its first argument is a tenant's slug; `run` works in that tenant's scope and returns what to print."""

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("tenant", metavar="TENANT", help="the organisation's slug, as in /admin/")
        self.add_more(parser)

    def add_more(self, parser: Any) -> None:
        """Arguments after the slug."""

    def handle(self, *args: Any, tenant: str, **options: Any) -> str:
        found = Tenant.objects.filter(slug=tenant).first()
        if found is None:
            raise CommandError(f"There is no tenant called {tenant}.")
        with acting(), scope.scoped_to(found.id):
            return printable(self.run(found, **options), but="\n")

    run: Callable[..., str]


def printable(text: str, *, but: str = "") -> str:
    """What a tenant's people wrote, for a terminal: what would steer it, or hide what stands there, is told as JSON tells it."""
    return "".join(
        letter if letter.isprintable() or letter in but else json.dumps(letter)[1:-1] for letter in text
    )


def operator(tenant: Tenant) -> Admitted:
    """For stories that ask who acts: whoever has a terminal here may do what an owner may."""
    return Admitted(tenant, "owner", roles.of("owner"), actors.current())


def member_of(tenant: Tenant, username: str) -> Membership:
    """Raises CommandError."""
    found = Membership.objects.select_related("user").filter(user__username=username).first()
    if found is None:
        raise CommandError(f"Nobody who works for {tenant.slug} signs in as {username}.")
    return found


@contextmanager
def acting() -> Iterator[None]:
    with actors.acting(Actor("command", "", _who())):
        yield


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # in a container whose user has no name
        return ""
