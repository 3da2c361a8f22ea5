"""Every tenant-owned table, through its managers and past them in SQL as the serving role: one tenant reaching for the other's rows."""

import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.db import DatabaseError, connections, models, transaction

from apps.tenants import scope
from apps.tenants.owned import ForeignTenant, TenantForeignKey
from chatwithus.isolation.canary import Canary
from chatwithus.isolation.planting import Model, owned_models
from chatwithus.isolation.tally import Tally

Probe = Callable[[], Any]
REFUSED = (DatabaseError, ForeignTenant, scope.NoTenant)


class Tables:
    """`own` reaches for what is `other`'s."""

    def __init__(self, own: Canary, other: Canary, tally: Tally, *, matching: str = "") -> None:
        self._own, self._other, self._tally = own, other, tally
        self._models = [model for model in owned_models() if matching in model._meta.db_table]

    def control(self) -> None:
        """Each row is there for its owner."""
        for model in self._models:
            self._tally.tables.add(model._meta.db_table)
            with self._other.scope():
                if not all(
                    model._default_manager.filter(pk=rows[model].pk).exists()
                    for rows in self._other.sets[-2:]
                ):
                    self._tally.miss(
                        f"table {model._meta.db_table}", "its owner does not find what was planted"
                    )

    def try_all(self) -> None:
        for model in self._models:
            for rows in self._other.sets[-8:]:
                for name, probe in self._probes(model, rows[model]):
                    self._try(f"table {model._meta.db_table}: {name}", model, probe)
            self._try_whole(model)

    def _try(self, what: str, model: Model, probe: Probe, *, tenant: uuid.UUID | None = None) -> None:
        """A leak is whatever is found or changed; a refusal, or nothing, is right."""
        self._tally.probes += 1
        with scope.scoped_to(tenant or self._own.tenant.id):
            try:
                with transaction.atomic(using=_alias(model)):
                    found = probe()
            except REFUSED:
                return
        if found:
            self._tally.leak(f"{what} finds or changes what is {self._other.tenant.slug}'s")

    def _probes(self, model: Model, row: Any) -> Iterator[tuple[str, Probe]]:
        for name in ("objects", "_base_manager", "_default_manager"):
            yield from _through(name, getattr(model, name), row, self._own.tenant.id)
        yield "save", partial(_saved, row)
        yield "create for the other", partial(_made, model, row)
        for field in model._meta.fields:
            if isinstance(field, TenantForeignKey):
                yield f"refer by {field.name}", partial(self._referring, model, row, field)
        yield from self._statements(model, row)

    def _statements(self, model: Model, row: Any) -> Iterator[tuple[str, Probe]]:
        table = model._meta.db_table
        for text in (
            "SELECT row::text FROM {} row WHERE id = %(id)s",
            "SELECT row::text FROM {} row WHERE tenant_id = %(other)s",
            "SELECT count(*) FROM {} WHERE id = %(id)s OR tenant_id = %(other)s HAVING count(*) > 0 AND bool_or(tenant_id = %(other)s)",
            "UPDATE {} SET tenant_id = tenant_id WHERE id = %(id)s RETURNING id",
            "UPDATE {} SET tenant_id = %(own)s WHERE id = %(id)s RETURNING id",
            "DELETE FROM {} WHERE id = %(id)s RETURNING id",
        ):
            yield f"SQL {text.format(table)}", partial(self._execute, model, text, row)

    def _try_whole(self, model: Model) -> None:
        """The whole table, as the stranger and as nobody."""
        table, own = model._meta.db_table, self._own.tenant.id
        foreign = f"SELECT 1 FROM {table} WHERE tenant_id <> %(own)s LIMIT 1"
        self._try(f"table {table}: all rows", model, lambda: self._execute(model, foreign, None))
        with scope.unscoped():
            self._tally.probes += 1
            found = self._execute(model, f"SELECT 1 FROM {table} LIMIT 1", None)
        if found:
            self._tally.leak(f"table {table}: shows rows to nobody")
        self._try(
            f"table {table}: the manager's rows",
            model,
            lambda: [row for row in model._default_manager.all() if getattr(row, "tenant_id", None) != own],
        )

    def _execute(self, model: Model, text: str, row: Any) -> Any:
        given = {"id": row and row.pk, "other": self._other.tenant.id, "own": self._own.tenant.id}
        with connections[_alias(model)].cursor() as cursor:
            cursor.execute(text.format(model._meta.db_table), given)
            return cursor.fetchall()

    def _referring(self, model: Model, row: Any, field: Any) -> Any:
        """One's own row that points at the other's: refused at the latest when the transaction ends."""
        copy = model(
            **{one.attname: getattr(self._own.rows[model], one.attname) for one in _plain_fields(model)}
        )
        copy.pk = uuid.uuid4()
        setattr(copy, field.attname, getattr(row, field.attname))
        if getattr(row, field.attname) is None:
            return None
        model._default_manager.bulk_create([copy])
        with connections[_alias(model)].cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return copy.pk


def _through(name: str, manager: Any, row: Any, own: uuid.UUID) -> Iterator[tuple[str, Probe]]:
    """Everything that a manager offers."""
    yield f"{name}.filter", lambda: list(manager.filter(pk=row.pk))
    yield f"{name}.values", lambda: list(manager.filter(pk__in=[row.pk]).values())
    yield f"{name}.update", lambda: manager.filter(pk=row.pk).update(tenant_id=own)
    yield f"{name}.delete", lambda: _deleted(manager, row)
    yield f"{name}.in_bulk", lambda: manager.in_bulk([row.pk])
    yield f"{name}.exists", lambda: manager.filter(pk=row.pk).exists()


def _made(model: Model, row: Any) -> Any:
    copy = model(**{one.attname: getattr(row, one.attname) for one in _plain_fields(model)})
    copy.pk = uuid.uuid4()
    model._default_manager.bulk_create([copy])
    return copy.pk


def _deleted(manager: Any, row: Any) -> Any:
    """How many rows of the other's went; `_raw_delete` asks for no related ones."""
    found = manager.filter(pk=row.pk)
    return found._raw_delete(found.db)


def _saved(row: Any) -> Any:
    row.save()
    return row.pk


def _plain_fields(model: Model) -> list[Any]:
    return [one for one in model._meta.concrete_fields if not isinstance(one, models.GeneratedField)]


def _alias(model: Model) -> str:
    return str(getattr(model, "database", "default"))
