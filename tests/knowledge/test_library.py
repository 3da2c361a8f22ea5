"""What is put on the shelf and taken off it stands in the audit log."""

from apps.knowledge import library
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
