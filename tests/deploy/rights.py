"""What there is in a server and who may do what with it, read from the catalogues in a form that can be compared."""

from collections.abc import Callable, Mapping
from typing import Any

import psycopg

Connect = Callable[[str], psycopg.Connection]
Found = dict[str, list[tuple[Any, ...]]]

OF_SERVER = {
    "roles": """
        SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
               rolconnlimit, rolvaliduntil
        FROM pg_roles WHERE NOT starts_with(rolname, 'pg_')""",
    "memberships": """
        SELECT roleid::regrole::text, member::regrole::text, grantor::regrole::text, admin_option, inherit_option, set_option
        FROM pg_auth_members WHERE NOT starts_with(roleid::regrole::text, 'pg_')""",
    "databases": """
        SELECT datname, datdba::regrole::text, datlocprovider::text, datlocale, pg_encoding_to_char(encoding), datacl::text
        FROM pg_database WHERE datname IN (current_database(), 'template1')""",
}
OF_DATABASE = {
    "schema": "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'",
    "grants": """
        SELECT grantor::regrole::text, grantee::regrole::text, privilege_type, is_grantable
        FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'public'""",
    "extensions": "SELECT extname, extversion, extnamespace::regnamespace::text FROM pg_extension",
}
OF_TABLES = {
    "tables": """
        SELECT relname, relowner::regrole::text, relacl::text, relrowsecurity, relforcerowsecurity
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S', 'i')""",
    "policies": "SELECT tablename, policyname, roles::text, cmd, qual, with_check FROM pg_policies",
    "functions": """
        SELECT proname, proowner::regrole::text, prosecdef, coalesce(proacl, acldefault('f', proowner))::text, prosrc
        FROM pg_proc WHERE proowner::regrole::text IN ('owner', 'lookup')""",
    "constraints": """
        SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
}


def rights(connect: Connect, database: str) -> Found:
    """Of a server, its template and one of its databases, which `connect` reaches as superuser."""
    return {
        **_ask(connect, database, OF_SERVER),
        **_ask(connect, "template1", OF_DATABASE),
        **_ask(connect, database, OF_DATABASE),
    }


def contents(connect: Connect, database: str) -> Found:
    """Of one database: what migrations made, and how many rows there are."""
    found = _ask(connect, database, OF_DATABASE | OF_TABLES)
    with connect(database) as connection:
        tables = [
            row[0]
            for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
    return found | _ask(connect, database, {table: f"SELECT count(*) FROM {table}" for table in tables})


def _ask(connect: Connect, database: str, queries: Mapping[str, str]) -> Found:
    with connect(database) as connection:
        return {
            f"{database}: {name}": sorted(connection.execute(query).fetchall(), key=str)
            for name, query in queries.items()
        }
