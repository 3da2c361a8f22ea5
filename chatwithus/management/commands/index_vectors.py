"""`index_vectors`: an approximate index for each organisation with so much knowledge that comparing all of it takes long.

As the owner of the tables, like `migrate`, since nobody who serves may make an index; and a command, since one that is built beside
running searches (CONCURRENTLY) cannot be built inside a function. Safe to run at any time and as often as one likes; with `--every` it
goes on until it is stopped, as `make up` and docker-compose.yml run it."""

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, connections
from psycopg import sql

from apps.knowledge.ranking import LARGE

PREFIX = "passage_near_"
logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--large", type=int, default=LARGE, help="passages from which on (default %(default)s)"
        )

        parser.add_argument("--every", type=int, default=0, help="seconds after which to look again; 0: once")

    def handle(self, *args: Any, large: int, every: int, **options: Any) -> None:
        while every:
            try:
                self._fit(large)
            except Error as error:  # a database that is away for a while is no reason to end
                logger.warning("No index was looked after: %s", error)
            connections.close_all()
            time.sleep(every)
        self._fit(large)

    def _fit(self, large: int) -> None:
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
