"""The questions asked before a tenant is known. Each is a SQL function that returns ids and nothing else (see Lookup)."""

from uuid import UUID

from django.db import connection


def tenant_of_key(prefix: str) -> UUID | None:
    return _one("SELECT lookup_key(%s)", prefix)


def tenant_of_agent(agent_id: UUID) -> UUID | None:
    return _one("SELECT lookup_agent(%s)", agent_id)


def tenants_of_user(user_id: int) -> list[UUID]:
    return _all("SELECT lookup_memberships(%s)", user_id)


def tenants_with_abandoned_replies(alive: list[UUID]) -> list[UUID]:
    """Tenants with a running reply that none of these processes holds."""
    return _all("SELECT lookup_abandoned(%s)", alive)


def _one(sql: str, argument: str | int | UUID | list[UUID]) -> UUID | None:
    return next(iter(_all(sql, argument)), None)


def _all(sql: str, argument: str | int | UUID | list[UUID]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [argument])
        return [row[0] for row in cursor.fetchall() if row[0] is not None]
