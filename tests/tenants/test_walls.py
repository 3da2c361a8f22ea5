"""Both walls: Python raises without a tenant, PostgreSQL shows nothing to one who asks for another's."""

import pytest
from django.db import IntegrityError, ProgrammingError, connection, connections, transaction

from apps.agents.models import Agent
from apps.chats.models import Chat
from apps.knowledge.models import Passage
from apps.tenants import scope
from apps.tenants.owned import ForeignTenant
from tests.world import House


def rows(table: str, alias: str = "default") -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("alias", ["default", "vectors"])
def test_we_are_app_and_cannot_pass_the_wall(db: None, alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == ("app", False, False)


def test_without_a_tenant_python_raises(acme: House) -> None:
    with pytest.raises(scope.NoTenant):
        Agent.objects.count()
    with pytest.raises(scope.NoTenant):
        Agent(name="Nobody's")


def test_without_a_tenant_postgres_shows_nothing(acme: House) -> None:
    assert rows("agents_agent") == 0


def test_raw_sql_sees_only_the_tenant_in_scope(acme: House, globex: House) -> None:
    with acme.scope():
        assert rows("agents_agent") == 1
    with globex.scope():
        assert rows("agents_agent") == 1
    assert rows("agents_agent") == 0


def test_the_vector_database_has_the_same_wall(acme: House, globex: House) -> None:
    acme.knows("The depot opens at seven o'clock every morning.")
    with acme.scope():
        assert rows("knowledge_passage", "vectors") == 1
    with globex.scope():
        assert rows("knowledge_passage", "vectors") == 0
        assert not Passage.objects.exists()


def test_postgres_refuses_a_row_for_another_tenant(acme: House, globex: House) -> None:
    with (
        acme.scope(),
        connection.cursor() as cursor,
        pytest.raises(ProgrammingError, match="row-level security"),
    ):
        cursor.execute(
            "INSERT INTO chats_event (id, tenant_id, chat_id, seq, type, body, created_at)"
            " VALUES (gen_random_uuid(), %s, gen_random_uuid(), 1, 'x', '{}', now())",
            [globex.tenant.id],
        )


def test_python_refuses_to_save_another_tenants_row(acme: House, globex: House) -> None:
    with globex.scope(), pytest.raises(ForeignTenant):
        acme.agent.save()


def test_a_chat_that_points_at_the_rivals_agent_is_refused_by_the_database(
    acme: House, globex: House
) -> None:
    with acme.scope(), pytest.raises(IntegrityError, match="same_tenant"), transaction.atomic():
        Chat.objects.create(agent_id=globex.agent.id, visitor="v")
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_rollback_does_not_leave_the_wrong_tenant_behind(acme: House, globex: House) -> None:
    with acme.scope():
        assert rows("agents_agent") == 1
        try:
            with transaction.atomic():
                with globex.scope():
                    assert rows("agents_agent") == 1
                raise RuntimeError
        except RuntimeError:
            pass
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM agents_agent")
            assert cursor.fetchall() == [(acme.agent.id,)]
    assert rows("agents_agent") == 0


def test_a_savepoint_rolled_back_after_a_change_of_tenant_is_noticed(acme: House, globex: House) -> None:
    """The statement `ROLLBACK TO` passes the same wrapper that tells the tenant; what it undoes must be told again."""
    with globex.scope():
        savepoint = transaction.savepoint()
    with acme.scope():
        assert rows("agents_agent") == 1
        transaction.savepoint_rollback(savepoint)
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM agents_agent")
            assert cursor.fetchall() == [(acme.agent.id,)]


def test_nobody_else_may_ask_the_questions_that_pass_the_wall(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, proacl::text FROM pg_proc WHERE proname LIKE 'lookup%%' ORDER BY proname", []
        )
        found = dict(cursor.fetchall())
    assert set(found) == {"lookup_abandoned", "lookup_agent", "lookup_key", "lookup_memberships"}
    assert set(found.values()) == {"{lookup=X/lookup,app=X/lookup}"}


def test_before_a_tenant_is_known_only_ids_can_be_asked_for(acme: House) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT lookup_agent(%s)", [acme.agent.id])
        assert cursor.fetchone() == (acme.tenant.id,)
        with pytest.raises(ProgrammingError, match="permission denied"):
            cursor.execute("SET ROLE lookup")
