"""What is examined: a folder, and the services that the variables of the environment lead to."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import redis
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import make_conninfo
from redis.backoff import NoBackoff
from redis.retry import Retry

from chatwithus.doctor.findings import Skip
from chatwithus.env import Environment

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 3
T = TypeVar("T")


class Installation:
    """Reads the variables as the settings do, but each by itself, so that a bad one spoils only its own checks."""

    def __init__(self, variables: Mapping[str, str], *, root: Path = ROOT) -> None:
        self.root = root
        self.folder = Path(variables.get("DATA_DIR") or root / ".data").resolve()
        self._variables = variables

    @property
    def is_configured(self) -> bool:
        """Whether somebody set its addresses, rather than `make up` with services of its own."""
        return bool(self._variables.get("DATABASE_URL") or self._variables.get("DATABASE_URL_FILE"))

    @cached_property
    def environment(self) -> Environment:
        return Environment(self._variables, self.folder / "run.json")

    def read(self, question: Callable[[Environment], T]) -> T:
        """The answer to a question about the variables; what depends on an unreadable one is skipped."""
        try:
            return question(self.environment)
        except ImproperlyConfigured as error:
            raise Skip(str(error).partition(": ")[0].partition(". ")[0].rstrip(".")) from None

    def text(self, name: str, default: str | None = None) -> str:
        return self.read(lambda environment: environment.text(name, default))

    def connect(self, variable: str) -> psycopg.Connection[Any]:
        """A connection as a serving process has it; neither it nor a query on it takes more than 3 s."""
        entry = self.read(lambda environment: environment.postgres(variable))
        options: Any = entry["OPTIONS"]
        parts = {name: entry[name.upper()] for name in ("host", "port", "user", "password")}
        address = {**parts, "dbname": entry["NAME"], **options, "connect_timeout": PATIENCE}
        connection = psycopg.connect(make_conninfo("", **address), autocommit=True)
        connection.execute(b"SET statement_timeout = %d" % (PATIENCE * 1000))
        return connection

    def rows(self, variable: str, query: str, *given: Any) -> list[tuple[Any, ...]]:
        with self.connect(variable) as connection:
            return connection.execute(query.encode(), given or None).fetchall()

    def valkey(self) -> "redis.Redis":
        """A client that gives up after 3 s and tries once."""
        url, once = self.text("REDIS_URL"), Retry(NoBackoff(), 0)
        return redis.Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE, retry=once)
