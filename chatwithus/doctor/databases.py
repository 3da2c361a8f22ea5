"""One of the two databases, by the variable with its address: reachable, whole, and served by the right role."""

import time
from collections.abc import Iterable

import psycopg
from django.db.migrations.loader import MigrationLoader

from chatwithus.doctor.findings import Trouble
from chatwithus.doctor.installation import Installation

MIGRATE = "run `python manage.py migrate` with the owner's addresses (`make up` does so at each start)"
SKEW = 5.0
REFUSALS = {
    "password authentication failed": "correct the password in {}",
    "does not exist": "create that database and migrate it, or correct {}",
    "too many": "stop what holds the connections, or raise max_connections",
    "": "start PostgreSQL (`make up` starts its own), or correct {}",
}
ROLE = "SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
OWNED = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND pg_has_role(tableowner, 'MEMBER')"
EXTENSION = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
APPLIED = "SELECT app, name FROM django_migrations"
CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"


def reach(installation: Installation, variable: str) -> str:
    """Within 3 s, and with the password that is set."""
    try:
        with installation.connect(variable) as connection:
            server = connection.info
            return f"PostgreSQL {server.parameter_status('server_version')} at {server.host}:{server.port}"
    except psycopg.OperationalError as error:
        said = str(error).splitlines()[0].rpartition("failed: ")[2]
        remedy = next(remedy for sign, remedy in REFUSALS.items() if sign in str(error))
        raise Trouble(f"cannot be reached ({said})", remedy=remedy.format(variable)) from error


def role(installation: Installation, variable: str) -> str:
    """The serving role is held by row-level security and may not change the tables that hold it."""
    ((name, is_super, may_bypass),) = installation.rows(variable, ROLE)
    ((owned,),) = installation.rows(variable, OWNED)
    wrongs = {
        "is a superuser, whom row-level security does not hold": is_super,
        "has BYPASSRLS, so it sees the rows of every tenant": may_bypass,
        "owns the tables, so it could lift their walls": owned,
        "is not app, which alone has the rights that migrations give": name != "app",
    }
    for wrong, is_so in wrongs.items():
        if is_so:
            remedy = f"put the address of the role app into {variable}; the owner's is for `migrate` alone"
            raise Trouble(f"{name} {wrong}", remedy=remedy)
    return f"{name}, neither owner nor above row-level security"


def extension(installation: Installation, variable: str) -> str:
    for (version,) in installation.rows(variable, EXTENSION):
        return f"vector {version}"
    raise Trouble(
        "the extension vector is missing",
        remedy="install pgvector, and as a superuser CREATE EXTENSION vector in this database",
    )


def migrations(installation: Installation, variable: str) -> str:
    """Those on record are those of this version: none is missing, and none is from a later one."""
    wanted = set(MigrationLoader(None).disk_migrations)
    try:
        applied = {(app, name) for app, name in installation.rows(variable, APPLIED)}
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege) as error:
        raise Trouble(f"not one can be seen ({error.diag.message_primary})", remedy=MIGRATE) from error
    if wanted - applied:
        raise Trouble(f"not applied: {_listed(wanted - applied)}", remedy=MIGRATE)
    ours = {app for app, _ in wanted}
    if unknown := [one for one in applied - wanted if one[0] in ours]:
        remedy = "start the version that migrated this database, or a later one"
        raise Trouble(f"applied but unknown to this version: {_listed(unknown)}", remedy=remedy)
    return f"all {len(wanted)} are applied"


def _listed(found: Iterable[tuple[str, str]]) -> str:
    names = sorted(".".join(one) for one in found)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def clock(installation: Installation, variable: str) -> str:
    before = time.time()
    ((there,),) = installation.rows(variable, CLOCK)
    ahead, behind = there - time.time(), before - there
    if max(ahead, behind) > SKEW:
        off = f"{ahead:.0f} s ahead of" if ahead > 0 else f"{behind:.0f} s behind"
        raise Trouble(
            f"its clock is {off} ours", remedy="let both machines follow the same time server (NTP)"
        )
    return "agrees with ours"
