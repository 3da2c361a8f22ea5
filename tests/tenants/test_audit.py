"""The audit log: grows only, tells refusals, and is each tenant's own."""

import pytest
from django.db import ProgrammingError, connection, transaction

from apps.tenants import actors, audit, journal, pages
from apps.tenants.actors import Actor
from apps.tenants.models import AuditEntry
from tests.tenants.acting import at_work, log
from tests.world import House


@pytest.mark.parametrize("sql", ["UPDATE tenants_auditentry SET action = 'x'", "DELETE FROM tenants_auditentry", "TRUNCATE tenants_auditentry"])  # fmt: skip
def test_nobody_who_serves_changes_or_deletes_a_line(acme: House, sql: str) -> None:
    with at_work(acme):
        audit.note("key.minted")
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(sql)
    assert len(log(acme)) == 1


def test_what_is_undone_was_not_done(acme: House) -> None:
    with at_work(acme):
        with pytest.raises(ZeroDivisionError), audit.deed("key.minted"):
            _ = 1 / 0
        with (
            pytest.raises(ValueError, match="no"),
            audit.deed("key.minted", refusals=(ValueError,), name="A"),
        ):
            raise ValueError("no")
    [entry] = log(acme)
    assert (entry.outcome, entry.facts) == ("refused", {"name": "A", "reason": "no"})


def test_lines_of_one_text_stay_one_line(acme: House) -> None:
    with acme.scope(), actors.acting(Actor("user", "1", "eve\r\n2026-01-01 root: key.minted")):
        audit.note("key.revoked", name="a\r\nb", held=["\0"])
    with acme.scope():
        entry = AuditEntry.objects.get()
    assert str(entry).isprintable()
    assert entry.facts == {"name": "a  b", "held": [" "]}


def test_the_log_is_each_tenants_own(acme: House, globex: House) -> None:
    with at_work(acme):
        audit.note("key.minted")
    assert log(globex) == []


def test_pages_hold_every_line_once_also_where_many_have_one_instant(acme: House) -> None:
    with at_work(acme):
        for number in range(25):
            audit.note("key.minted", number=number)
        AuditEntry.objects.all()
        seen, cursor = [], None
        while True:
            rows, cursor = pages.cut(journal.entries(), by="at", cursor=cursor, limit=10)
            seen += [row.facts["number"] for row in rows]
            if cursor is None:
                break
            audit.note("key.minted", number=99)  # what comes meanwhile shifts nothing
    assert seen == list(range(24, -1, -1))


@pytest.mark.parametrize("cursor", ["x", "é", "AAAA", "IA==", "MjAyNi0wMS0wMSA=", "\0", "9" * 5000])
def test_a_cursor_of_somebody_elses_making_is_refused(acme: House, cursor: str) -> None:
    with acme.scope(), pytest.raises(pages.BadCursor):
        pages.cut(journal.entries(), by="at", cursor=cursor)


def test_filters(acme: House) -> None:
    with acme.scope():
        with actors.acting(Actor("user", "1", "Ada")):
            audit.note("key.minted")
            audit.note("keyring.opened")
        with actors.acting(Actor("key", "2", "Shop")):
            audit.note("key.revoked", outcome=audit.REFUSED)
        assert journal.entries(action="key").count() == 2
        assert journal.entries(action="key.revoked").count() == 1
        assert journal.entries(actor="ad").count() == 2
        assert journal.entries(outcome="refused").get().action == "key.revoked"
        line = journal.entries(action="key.minted").get()
        assert journal.entries(since=line.at, until=line.at).count() == 0
        assert journal.entries(since=line.at).count() == 3
