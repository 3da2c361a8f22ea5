"""Migration operations that put tables behind row-level security and open the few doors through it."""

from abc import ABC, abstractmethod
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from apps.tenants.owned import TenantForeignKey

_ASKING = "nullif(current_setting('cwu.tenant', true), '')::uuid"


class _Unseen(Operation):
    """Something that PostgreSQL alone knows of: no part of Django's model state, and never taken back."""

    reversible = False

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """There is nothing to tell."""


class _OnTable(_Unseen, ABC):
    """Statements about a model's table, in the database where it lives."""

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def database_forwards(
        self, app_label: str, editor: BaseDatabaseSchemaEditor, before: ProjectState, after: ProjectState
    ) -> None:
        model = after.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(editor.connection.alias, model):
            for statement in self._statements(model, in_default=editor.connection.alias == "default"):
                editor.execute(statement)

    @abstractmethod
    def _statements(self, model: type[models.Model], *, in_default: bool) -> list[str]:
        """In their order; `in_default` says whether the table lives where the tenants do."""

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model_name], {}


class Protect(_OnTable):
    """Put a TenantOwned model's table behind the wall: a FORCEd policy, UNIQUE (tenant_id, id) for references to it, and
    FOREIGN KEY (tenant_id, x_id) for its own references, which PostgreSQL would otherwise check past the policy."""

    reduces_to_sql = True

    def _statements(self, model: type[models.Model], *, in_default: bool) -> list[str]:
        return _wall(model, in_default=in_default)

    def describe(self) -> str:
        return f"Put {self.model_name} behind row-level security"

    @property
    def migration_name_fragment(self) -> str:
        return f"protect_{self.model_name.lower()}"


class AppendOnly(_OnTable):
    """Nobody who serves may change or delete a row of this table, nor empty it."""

    def _statements(self, model: type[models.Model], *, in_default: bool) -> list[str]:
        return [f"REVOKE UPDATE, DELETE, TRUNCATE ON {model._meta.db_table} FROM app"]

    def describe(self) -> str:
        return f"Let {self.model_name} grow only"


class Guards(_Unseen):
    """Count the access version up, when the transaction commits, wherever these columns of a table change, if any, or a row goes: any
    row, or one of which `when` was true. In place of the table's guards of before."""

    def __init__(self, table: str, columns: str = "", *, when: str = "true") -> None:
        self.table, self.columns, self.when = table, columns, when

    def database_forwards(
        self, app_label: str, editor: BaseDatabaseSchemaEditor, before: ProjectState, after: ProjectState
    ) -> None:
        if editor.connection.alias == "default":
            change = f"UPDATE OF {self.columns} OR DELETE" if self.columns else "DELETE"
            editor.execute(f"DROP TRIGGER IF EXISTS {self.table}_guards ON {self.table}")
            editor.execute(
                f"CREATE CONSTRAINT TRIGGER {self.table}_guards AFTER {change} ON {self.table} DEFERRABLE INITIALLY DEFERRED "
                f"FOR EACH ROW WHEN ({self.when}) EXECUTE FUNCTION count_access_version()"
            )

    def describe(self) -> str:
        return f"Count the access version up with {self.table}"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.table, self.columns], {"when": self.when}


class Lookup(_Unseen):
    """A question that is asked before a tenant is known, answered past the wall with ids and nothing else.

    The SQL function runs as the `lookup` role, which may read only the named columns of one table."""

    def __init__(self, signature: str, returns: str, *, table: str, columns: str, body: str) -> None:
        self.signature, self.returns = signature, returns
        self.table, self.columns, self.body = table, columns, body

    def database_forwards(
        self, app_label: str, editor: BaseDatabaseSchemaEditor, before: ProjectState, after: ProjectState
    ) -> None:
        if editor.connection.alias != "default":
            return
        policy = f"{self.table}_lookup"
        for statement in (
            f"GRANT SELECT ({self.columns}) ON {self.table} TO lookup",
            f"DROP POLICY IF EXISTS {policy} ON {self.table}",
            f"CREATE POLICY {policy} ON {self.table} FOR SELECT TO lookup USING (true)",
            f"CREATE FUNCTION {self.signature} RETURNS {self.returns} LANGUAGE sql STABLE SECURITY DEFINER "
            f"SET search_path = public, pg_temp AS $$ {self.body} $$",
            f"REVOKE ALL ON FUNCTION {self.signature} FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION {self.signature} TO app",
            f"ALTER FUNCTION {self.signature} OWNER TO lookup",  # last: after it we may grant nothing any more
        ):
            editor.execute(statement, params=None)

    def describe(self) -> str:
        return f"Answer {self.signature} before a tenant is known"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        named = {"table": self.table, "columns": self.columns, "body": self.body}
        return type(self).__name__, [self.signature, self.returns], named


def _wall(model: type[models.Model], *, in_default: bool) -> list[str]:
    table = model._meta.db_table
    statements = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY {table}_tenant ON {table} USING (tenant_id = {_ASKING}) WITH CHECK (tenant_id = {_ASKING})",
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_tenant_id_id UNIQUE (tenant_id, id)",
    ]
    if in_default:
        statements.append(
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_tenant FOREIGN KEY (tenant_id) "
            "REFERENCES tenants_tenant (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
        )
    return statements + [_reference(table, field) for field in _references(model)]


def _references(model: type[models.Model]) -> list[TenantForeignKey]:
    return [field for field in model._meta.local_fields if isinstance(field, TenantForeignKey)]


def _reference(table: str, field: TenantForeignKey) -> str:
    target = field.related_model._meta.db_table
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_{field.column}_same_tenant FOREIGN KEY (tenant_id, {field.column}) "
        f"REFERENCES {target} (tenant_id, id) DEFERRABLE INITIALLY DEFERRED"
    )
