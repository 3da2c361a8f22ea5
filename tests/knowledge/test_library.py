"""What is put on the shelf and taken off it: written down, and no more than fits."""

import threading
from typing import Any

import pytest
from django.db import connection

from apps.knowledge import library, quota
from apps.knowledge.models import Knowledge
from tests.tenants.acting import at_work, log
from tests.world import House


def test_who_added_and_removed_what_is_written_down(acme: House, globex: House) -> None:
    with at_work(acme):
        source = library.add("Handbook", content="We open at nine.", agents=[acme.agent.id])
        library.remove(source)
    added, removed = log(acme)
    assert [line.action for line in (added, removed)] == ["knowledge.added", "knowledge.removed"]
    assert {line.target_name for line in (added, removed)} == {"Handbook"}
    assert {line.actor_name for line in (added, removed)} == {acme.user.username}
    assert added.facts == {"category": "plain_document", "agents": [acme.agent.name]}
    assert "nine" not in str([line.facts for line in (added, removed)])
    assert log(globex) == []


@pytest.mark.parametrize(
    ("limits", "fit"), [({"MAX_SOURCES": 3}, 3), ({"MAX_KNOWLEDGE_MB": 1}, 2)], ids=["sources", "bytes"]
)
def test_uploads_that_come_at_once_fit_together_or_are_refused(
    houses: tuple[House, House], settings: Any, limits: dict[str, int], fit: int
) -> None:
    acme, _ = houses
    for name, most in limits.items():
        setattr(settings, name, most)
    start, refused = threading.Barrier(8), []

    def upload(number: int) -> None:
        file = library.File(f"{number}.txt", b"green " * 70_000)
        try:
            with acme.scope():
                start.wait()
                library.add(f"Depot {number}", file=file)
        except quota.BadSource as error:
            refused.append(str(error))
        finally:
            connection.close()

    going = [threading.Thread(target=upload, args=[number]) for number in range(8)]
    for thread in going:
        thread.start()
    for thread in going:
        thread.join()
    with acme.scope():
        assert (Knowledge.objects.count(), len(refused)) == (fit, 8 - fit)
    assert all(reason.startswith("Your organisation") for reason in refused)
