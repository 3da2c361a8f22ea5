"""Django's sessions in the database, but for keys that no session ever had, which PostgreSQL might refuse to compare; a session that is
asked for with every page is read by a statement that is planned once."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.tenants.postgres.prepared import Prepared, Table

_SESSIONS = Table(Session)
_KEPT = Prepared(
    f"SELECT {_SESSIONS.columns('s')} FROM django_session s WHERE session_key = %(key)s AND expire_date > %(now)s"
)


class SessionStore(db.SessionStore):
    def _validate_session_key(self, key: str | None) -> bool:
        return key is not None and len(key) >= 8 and key.isascii() and key.isalnum()

    def _get_session_from_db(self) -> Session | None:
        row = _KEPT.first(key=self.session_key, now=timezone.now())
        if row is None:
            self._session_key = None
            return None
        return _SESSIONS.read(row)
