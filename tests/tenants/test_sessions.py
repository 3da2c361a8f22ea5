"""Sessions end by themselves: what is left of them goes, and nobody who is inside is asked about again for that."""

from datetime import timedelta

from django.db import connection

from apps.tenants import watch
from apps.tenants.sessions import SessionStore
from apps.tenants.tasks import forget_sessions


def begun(ends_in: timedelta) -> SessionStore:
    session = SessionStore()
    session.set_expiry(ends_in)
    session.create()
    return session


def counted() -> int:
    """The access version, as it would be after COMMIT."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return watch.version()


def test_what_ended_goes_and_counts_for_nothing(db: None) -> None:
    ended, holds = begun(-timedelta(seconds=1)), begun(timedelta(hours=1))
    before = counted()
    forget_sessions()
    assert counted() == before
    assert not SessionStore().exists(str(ended.session_key))
    assert SessionStore().exists(str(holds.session_key))


def test_whoever_signs_out_is_asked_about_at_once(db: None) -> None:
    holds = begun(timedelta(hours=1))
    before = counted()
    holds.flush()
    assert counted() == before + 1
