"""Tables that nobody can read for a while, and statements that die of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from chatwithus.embedded import Services
from tests.services import environment


@contextmanager
def locked(services: Services, table: str) -> Iterator[psycopg.Connection[Any]]:
    """Whoever reads this table waits meanwhile."""
    address = environment(services)["DATABASE_URL"]
    with psycopg.connect(address) as holder, psycopg.connect(address, autocommit=True) as other:
        holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield other
        holder.rollback()


def cut_who_waits(connection: psycopg.Connection[Any], table: str) -> bool:
    """As when PostgreSQL ends under them."""
    waiting = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = %s::regclass AND NOT granted"
    return bool(connection.execute(waiting, [table]).fetchall())
