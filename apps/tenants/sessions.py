"""Django's sessions in the database, but for keys that no session ever had, which PostgreSQL might refuse to compare."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    def _validate_session_key(self, key: str | None) -> bool:
        return key is not None and len(key) >= 8 and key.isascii() and key.isalnum()
