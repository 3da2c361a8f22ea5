"""Whether PostgreSQL itself keeps tenants apart, read from its catalogue."""

from django.db.migrations.loader import MigrationLoader

from chatwithus.doctor.databases import MIGRATE
from chatwithus.doctor.findings import Trouble
from chatwithus.doctor.installation import Installation

TABLES = """
SELECT relname, relrowsecurity, relforcerowsecurity,
       EXISTS (SELECT FROM pg_policies WHERE tablename = relname AND cmd = 'ALL'
               AND qual LIKE '%cwu.tenant%' AND with_check LIKE '%cwu.tenant%'),
       NOT EXISTS (SELECT FROM pg_policies WHERE tablename = relname AND permissive = 'PERMISSIVE'
                   AND roles && ARRAY['public', current_user]::name[]
                   AND coalesce(qual, with_check) NOT LIKE '%cwu.tenant%')
  FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'tenant_id' AND NOT attisdropped
 WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace ORDER BY relname"""
HOLES = {
    "row-level security of {} is not enabled": "as the owner, ALTER TABLE {} ENABLE ROW LEVEL SECURITY",
    "row-level security of {} is not forced": "as the owner, ALTER TABLE {} FORCE ROW LEVEL SECURITY",
    "{0} has no policy that asks for the tenant": "restore the policy {0}_tenant from a migrated copy",
    "{0} has a policy that does not ask for the tenant": "drop it; `\\d {0}` in psql shows its name",
}
FUNCTIONS = """
SELECT proname, pg_get_userbyid(proowner) = 'lookup' AND prosecdef AND has_function_privilege(oid, 'EXECUTE')
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname = ANY(%s)"""


def walls(installation: Installation, variable: str) -> str:
    """Every table with a `tenant_id` has a forced policy that asks for the tenant, and none that does not."""
    tables = installation.rows(variable, TABLES)
    if not tables:
        raise Trouble("no table of any tenant is there", remedy=MIGRATE)
    holes = [
        (cause.format(table), remedy.format(table))
        for table, *marks in tables
        for (cause, remedy), is_sound in zip(HOLES.items(), marks, strict=True)
        if not is_sound
    ]
    if holes:
        others = f", and {len(holes) - 1} more like it" if len(holes) > 1 else ""
        raise Trouble(holes[0][0] + others, remedy=holes[0][1])
    return f"tables with forced row-level security: {len(tables)}"


def lookups(installation: Installation, variable: str) -> str:
    """The questions that are asked before a tenant is known run as `lookup`, who sees nothing else."""
    from apps.tenants.postgres.protect import Lookup  # imports models, which need settings

    migrations = MigrationLoader(None).disk_migrations.values()
    found = [one for migration in migrations for one in migration.operations if isinstance(one, Lookup)]
    wanted = {operation.signature.partition("(")[0] for operation in found}
    sound = {name for name, is_sound in installation.rows(variable, FUNCTIONS, list(wanted)) if is_sound}
    if broken := sorted(wanted - sound):
        raise Trouble(
            f"missing, not owned by lookup, or closed to app: {', '.join(broken)}",
            remedy="restore the function from a migrated copy",
        )
    return f"{len(wanted)} functions belong to lookup"
