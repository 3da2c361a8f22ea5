"""The doctor on databases that were broken on purpose: it names what was broken, and only that."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from chatwithus.embedded import Services
from chatwithus.embedded.cluster import SUPERUSER
from tests.chatwithus.doctor.diagnosis import VARIABLES, Diagnosis
from tests.server import free_port
from tests.services import TEMPLATES

SLOW_CLOCK = (
    "CREATE SCHEMA slow",
    "CREATE FUNCTION slow.clock_timestamp() RETURNS timestamptz LANGUAGE sql"
    " AS $$ SELECT pg_catalog.clock_timestamp() - interval '1 hour' $$",
    "GRANT USAGE ON SCHEMA slow TO app",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = slow, pg_catalog, public',"
    " current_database()); END $$",
)
WOUNDS: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    "a wall that does not hold the owner": (
        "database",
        "database walls",
        ("ALTER TABLE chats_chat NO FORCE ROW LEVEL SECURITY",),
        "chats_chat is not forced: as the owner, ALTER TABLE chats_chat FORCE ROW LEVEL SECURITY",
    ),
    "no wall": (
        "database",
        "database walls",
        ("ALTER TABLE chats_chat DISABLE ROW LEVEL SECURITY",),
        "chats_chat is not enabled: as the owner, ALTER TABLE chats_chat ENABLE",
    ),
    "a wall in the other database": (
        "vectors",
        "vectors walls",
        ("ALTER TABLE knowledge_passage NO FORCE ROW LEVEL SECURITY",),
        "knowledge_passage is not forced",
    ),
    "no policy": (
        "database",
        "database walls",
        ("DROP POLICY chats_chat_tenant ON chats_chat",),
        "chats_chat has no policy that asks for the tenant: restore",
    ),
    "a hole in the wall": (
        "database",
        "database walls",
        ("CREATE POLICY hole ON chats_chat FOR SELECT USING (true)",),
        "chats_chat has a policy that does not ask for the tenant: drop it",
    ),
    "two breaches": (
        "database",
        "database walls",
        tuple(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY" for table in ("chats_chat", "agents_agent")),
        "agents_agent is not enabled, and 1 more like it",
    ),
    "a lost question": (
        "database",
        "database lookups",
        ("DROP FUNCTION lookup_key(text)",),
        "lookup_key: restore the function",
    ),
    "a question that runs as the owner": (
        "database",
        "database lookups",
        ("ALTER FUNCTION lookup_key(text) OWNER TO owner",),
        "not owned by lookup, or closed to app: lookup_key",
    ),
    "a question that nobody may ask": (
        "database",
        "database lookups",
        ("REVOKE ALL ON FUNCTION lookup_agent(uuid) FROM PUBLIC, app",),
        "closed to app: lookup_agent",
    ),
    "a migration that is missing": (
        "vectors",
        "vectors migrations",
        ("DELETE FROM django_migrations WHERE app = 'analysis'",),
        "not applied: analysis.0001_initial, analysis.0002_groundedness: run `python manage.py migrate`",
    ),
    "a migration from the future": (
        "database",
        "database migrations",
        ("INSERT INTO django_migrations (app, name, applied) VALUES ('chats', '9999_later', now())",),
        "unknown to this version: chats.9999_later: start the version",
    ),
    "rights that were not given": (
        "database",
        "database migrations",
        ("REVOKE ALL ON django_migrations FROM app",),
        "permission denied for table django_migrations): run `python manage.py migrate`",
    ),
    "no extension": (
        "vectors",
        "vectors extension",
        ("DROP EXTENSION vector CASCADE",),
        "extension vector is missing: install pgvector",
    ),
    "a slow clock": ("database", "database clock", SLOW_CLOCK, "its clock is 3600 s behind ours: let both"),
}


class TestDatabases:
    @pytest.mark.parametrize("wound", WOUNDS)
    def test_what_was_broken_is_named_and_nothing_else(
        self, wound: str, broken: Callable[..., str], examined: Callable[..., Diagnosis]
    ) -> None:
        kind, check, statements, words = WOUNDS[wound]
        diagnosis = examined(**{VARIABLES[kind]: broken(kind, *statements)})
        assert diagnosis.bad == {check}
        assert words in diagnosis.of(check)

    def test_an_empty_database_is_to_be_migrated(
        self, broken: Callable[..., str], examined: Callable[..., Diagnosis]
    ) -> None:
        diagnosis = examined(DATABASE_URL=broken("database", template="template1"))
        assert diagnosis.bad == {"database migrations", "database walls", "database lookups"}
        for name in ("database migrations", "database walls"):
            assert "run `python manage.py migrate`" in diagnosis.of(name)

    @pytest.mark.parametrize(
        ("role", "words"),
        [(SUPERUSER, "is a superuser"), ("owner", "has BYPASSRLS"), ("stranger", "is not app")],
    )
    @pytest.mark.parametrize("kind", ["database", "vectors"])
    def test_the_wrong_role_is_named(
        self, services: Services, examined: Callable[..., Diagnosis], role: str, kind: str, words: str
    ) -> None:
        with _address_of(role, services, TEMPLATES[kind]) as address:
            diagnosis = examined(**{VARIABLES[kind]: address})
        assert f"{role} {words}" in diagnosis.of(f"{kind} role")
        assert f"put the address of the role app into {VARIABLES[kind]}" in diagnosis.of(f"{kind} role")

    def test_app_must_not_be_a_member_of_the_owner(
        self, services: Services, examined: Callable[..., Diagnosis]
    ) -> None:
        with services.cluster.connect() as superuser:
            superuser.execute("GRANT owner TO app")
            try:
                diagnosis = examined()
            finally:
                superuser.execute("REVOKE owner FROM app")
        assert diagnosis.bad == {"database role", "vectors role"}
        assert "app owns the tables" in diagnosis.of("database role")

    def test_a_wrong_password_is_named(self, services: Services, examined: Callable[..., Diagnosis]) -> None:
        address = services.database_url("app", "test").replace("app:", "app:not")
        diagnosis = examined(DATABASE_URL=address)
        assert diagnosis.bad == {"database"}
        assert "password authentication failed" in diagnosis.of("database")
        assert "correct the password in DATABASE_URL" in diagnosis.of("database")
        assert diagnosis.checks["database walls"]["state"] == "skipped"

    def test_a_database_that_is_not_there_is_named(
        self, services: Services, examined: Callable[..., Diagnosis]
    ) -> None:
        diagnosis = examined(VECTOR_DATABASE_URL=services.database_url("app", "nowhere"))
        assert diagnosis.bad == {"vectors"}
        assert 'database "nowhere" does not exist): create' in diagnosis.of("vectors")

    def test_a_stopped_server_is_named(self, examined: Callable[..., Diagnosis]) -> None:
        diagnosis = examined(DATABASE_URL=f"postgresql://app:x@127.0.0.1:{free_port()}/chatwithus")
        assert diagnosis.bad == {"database"}
        assert "Connection refused" in diagnosis.of("database")
        assert "start PostgreSQL" in diagnosis.of("database")

    def test_a_server_that_says_nothing_is_given_up_after_3_seconds(
        self, examined: Callable[..., Diagnosis]
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            began = time.monotonic()
            port = silent.getsockname()[1]
            diagnosis = examined(DATABASE_URL=f"postgresql://app:x@127.0.0.1:{port}/chatwithus")
        assert diagnosis.bad == {"database"}
        assert "timeout expired" in diagnosis.of("database")
        assert time.monotonic() - began < 8


@contextmanager
def _address_of(role: str, services: Services, database: str) -> Iterator[str]:
    """Of a role that every cluster has, or of a stranger who is gone again afterwards."""
    if role == "owner":
        yield services.database_url(role, database)
    elif role == SUPERUSER:
        password = services.folder.secrets()["superuser"]
        yield f"postgresql://{role}:{password}@127.0.0.1:{services.cluster.port}/{database}"
    else:
        with services.cluster.connect() as superuser:
            superuser.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'known'".encode())
            try:
                yield f"postgresql://{role}:known@127.0.0.1:{services.cluster.port}/{database}"
            finally:
                superuser.execute(f"DROP ROLE {role}".encode())
