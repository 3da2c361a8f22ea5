"""`migrate`, for both databases at once and as their owner; afterwards the serving role gets its rights."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

_GRANTS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO app",
)

# Deleting a tenant would take along all it has, past the wall: a tenant is suspended instead.
# The audit log grows only; TRUNCATE is never granted.
_ONLY_IN_DEFAULT = (
    "REVOKE DELETE ON tenants_tenant FROM app",
    "REVOKE UPDATE, DELETE ON tenants_auditentry FROM app",
    "REVOKE UPDATE, DELETE ON agents_version FROM app",
)


class Command(migrate.Command):
    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=None)

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        return {**super().get_check_kwargs(options), "databases": _chosen(options)}

    def handle(self, *args: Any, **options: Any) -> None:
        for alias in _chosen(options):
            _refuse_unless_owner(alias)
            super().handle(*args, **{**options, "database": alias})
            if options["plan"] or options["check_unapplied"]:
                continue
            with connections[alias].cursor() as cursor:
                for grant in _GRANTS + (_ONLY_IN_DEFAULT if alias == "default" else ()):
                    cursor.execute(grant)


def _chosen(options: dict[str, Any]) -> list[str]:
    return [options["database"]] if options["database"] else list(connections)


def _refuse_unless_owner(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT current_user")
        if cursor.fetchone()[0] == "app":
            raise CommandError(
                "Tables belong to the owner: set OWNER_DATABASE_URL and OWNER_VECTOR_DATABASE_URL."
            )
