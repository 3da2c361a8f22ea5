"""Statements that are written by hand and planned once a connection, for what is asked with every message.

The ORM takes longer to write such a statement (0.5 to 0.8 ms) than the server to answer it (0.05 ms, and 0.3 for its plan). A visitor's
first word waits for some ten of them. Both walls stand: the tenant in scope is named by Python, and told to the server as for any other."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection, connections, models

from apps.tenants import owned, scope

M = TypeVar("M", bound=models.Model)
Row = tuple[Any, ...]


class Prepared:
    """One statement on the default database or another; `%(tenant)s` in it is the tenant in scope, other names are given."""

    def __init__(self, sql: str, *, database: str = "default") -> None:
        self._sql, self._database = sql, database
        self._is_owned = "%(tenant)s" in sql

    def rows(self, **named: Any) -> list[Row]:
        found: list[Row] = self.asked(**named).fetchall()
        return found

    def first(self, **named: Any) -> Row | None:
        return next(iter(self.rows(**named)), None)

    def run(self, **named: Any) -> int:
        """How many rows it changed; not known among others that are sent `together`."""
        return int(self.asked(**named).rowcount)

    def asked(self, **named: Any) -> Any:
        """A cursor with the answer; among others that are sent `together` it comes when the first of them is read."""
        if self._is_owned:
            named["tenant"] = scope.current()
        cursor = connections[self._database].preparing_cursor()  # type: ignore[attr-defined]  # of our own backend
        cursor.execute(self._sql, named)
        return cursor


@contextmanager
def together() -> Iterator[None]:
    """These statements go to the server in one round trip, up to where an answer is read. What is wrong with one is raised then, or
    at the end. Not for the ORM, which wants to know at once how many rows it has changed."""
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


class Table(Generic[M]):
    """A model's rows as such statements read and write them, always with the columns that the model has."""

    def __init__(self, model: type[M]) -> None:
        self._model = model
        self.name = model._meta.db_table

    @cached_property
    def _fields(self) -> tuple["models.Field[Any, Any]", ...]:
        return tuple(self._model._meta.concrete_fields)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(field.attname for field in self._fields)

    @cached_property
    def _converted(self) -> tuple[tuple[int, Any], ...]:
        """Where in a row something is that its field reads in its own way, as JSON is."""
        known = ((at, getattr(field, "from_db_value", None)) for at, field in enumerate(self._fields))
        return tuple((at, convert) for at, convert in known if convert is not None)

    def columns(self, alias: str) -> str:
        return ", ".join(f'{alias}."{field.column}"' for field in self._fields)

    def read(self, row: Sequence[Any], start: int = 0) -> M:
        """The instance whose columns begin there in a row."""
        values = list(row[start : start + len(self._fields)])
        for at, convert in self._converted:
            values[at] = convert(values[at], None, connection)
        return self._model.from_db("default", self._names, values)

    @property
    def width(self) -> int:
        return len(self._fields)

    def insertion(self, rest: str = "") -> Prepared:
        """Adds a row of `values`."""
        columns = ", ".join(f'"{field.column}"' for field in self._fields)
        slots = ", ".join(f"%({name})s" for name in self._names)
        return Prepared(f"INSERT INTO {self.name} ({columns}) VALUES ({slots}) {rest}")

    def change(self, *names: str) -> Prepared:
        """Saves these attributes of the row with this `id`."""
        fields = [field for field in self._fields if field.attname in names]
        sets = ", ".join(f'"{field.column}" = %({field.attname})s' for field in fields)
        return Prepared(f"UPDATE {self.name} SET {sets} WHERE tenant_id = %(tenant)s AND id = %(id)s")

    def values(self, row: M, *names: str) -> dict[str, Any]:
        """What the statements above are given: all of a row, or these attributes and its id. Raises ForeignTenant."""
        owned.require_own(row)
        chosen = (field for field in self._fields if not names or field.attname in names or field.primary_key)
        return {
            field.attname: field.get_db_prep_save(getattr(row, field.attname), connection) for field in chosen
        }
