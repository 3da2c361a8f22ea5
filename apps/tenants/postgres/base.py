"""The PostgreSQL wall: a backend that tells the server, before each statement, which tenant asks.

Policies read the session setting `cwu.tenant`. The wrapper remembers what it last told this physical connection and forgets
it wherever the server might: at every checkout from the pool, and *after* every rollback, which undoes a setting made inside
the transaction. Being a session setting, it is not safe behind a pooler that shares one session between transactions.
"""

import select
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

from apps.tenants import scope

_UNKNOWN = object()
_TELL = "SELECT set_config('cwu.tenant', %s, false)"


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._told: UUID | object | None = _UNKNOWN
        self.execute_wrappers.append(self._tell_who_asks)

    @property
    def pool(self) -> Any:
        found = super().pool
        if found is not None:
            found._check = look_at  # Django lets nobody say how a connection is checked
        return found

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self._told = _UNKNOWN
        found = super().get_new_connection(conn_params)
        found.prepare_threshold = 0  # concerns those cursors alone that `preparing_cursor` gives
        return found

    def preparing_cursor(self) -> Any:
        """A cursor each of whose statements the server plans once for this connection; see prepared.py."""
        self.ensure_connection()
        return self._prepare_cursor(base.ServerBindingCursor(self.connection))  # type: ignore[attr-defined,call-arg]

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._told = _UNKNOWN

    def _savepoint_rollback(self, sid: str) -> None:
        try:
            super()._savepoint_rollback(sid)  # type: ignore[misc]
        finally:
            self._told = _UNKNOWN

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]
        except BaseException:
            self._told = _UNKNOWN
            raise

    def _tell_who_asks(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        tenant_id = scope.current_or_none()
        if tenant_id != self._told:
            # Unknown until the server has confirmed it: a statement that fails must not be remembered as said.
            self._told = _UNKNOWN
            with (
                self.wrap_database_errors,
                self.connection.cursor() as cursor,
            ):  # not the caller's: that one may be a server-side cursor
                cursor.execute(_TELL, [str(tenant_id or "")])
            self._told = tenant_id
        return execute(sql, params, many, context)


def look_at(connection: Any) -> None:
    """For each checkout: whether it still works. A server that ends hangs up, which is seen here without asking; it is asked only where
    something came of itself. Raises OperationalError."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    if poll.poll(0):
        ConnectionPool.check_connection(connection)
