"""`index_vectors`: an approximate index for each organisation with so much knowledge that comparing all of it takes long.

As the owner of the tables, like `migrate`, since nobody who serves may make an index; and a command, since one that is built beside
running searches (CONCURRENTLY) cannot be built inside a function. Safe to run at any time and as often as one likes."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections
from psycopg import sql

LARGE = 1500  # passages: from about here on the index is faster (docs/performance.md)
PREFIX = "passage_near_"


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--large", type=int, default=LARGE, help="passages from which on (default %(default)s)"
        )

    def handle(self, *args: Any, large: int, **options: Any) -> None:
        with connections["vectors"].cursor() as cursor:
            wanted, kept = (
                _tenants(cursor, large),
                _tenants(cursor, large // 2),
            )  # no index comes and goes at the border
            there = _indexes(cursor)
            for name, is_valid in there.items():
                if not is_valid or name not in kept:
                    cursor.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(name)))
                    self.stdout.write(f"Dropped {name}.")
            for name, tenant_id in wanted.items():
                if not there.get(name):
                    cursor.execute(_CREATE.format(sql.Identifier(name), sql.Literal(str(tenant_id))))
                    cursor.execute(
                        "ANALYZE knowledge_passage"
                    )  # or the planner does not know how many it is for
                    self.stdout.write(f"Built {name}.")


def _tenants(cursor: Any, large: int) -> dict[str, Any]:
    """Those with so many passages, by the name of their index."""
    cursor.execute(
        "SELECT tenant_id FROM knowledge_passage GROUP BY tenant_id HAVING count(*) >= %s", [large]
    )
    return {f"{PREFIX}{tenant_id.hex}": tenant_id for (tenant_id,) in cursor.fetchall()}


def _indexes(cursor: Any) -> dict[str, bool]:
    """Which there are, and whether each was built to its end."""
    cursor.execute(
        "SELECT relname, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
        "WHERE indrelid = 'knowledge_passage'::regclass AND starts_with(relname, %s)",
        [PREFIX],
    )
    return dict(cursor.fetchall())


_CREATE = sql.SQL(
    "CREATE INDEX CONCURRENTLY {} ON knowledge_passage USING hnsw (embedding vector_cosine_ops) WHERE tenant_id = {}"
)
