"""What the proof's lists of exceptions name exists: an entry that outlives its route or task would hide the next of that name."""

from chatwithus.isolation import addresses, work
from chatwithus.isolation.jobs import JOBS
from chatwithus.isolation.scouting import NO_CONTROL


def test_every_route_without_an_owners_call_exists() -> None:
    paths = {route.path for route in addresses.routes()}
    assert {name.partition(" ")[2] for name in NO_CONTROL} <= paths


def test_every_job_is_for_a_task() -> None:
    assert {*JOBS, *work.NOT_RUN} <= {str(task.name) for task in work.tasks()}
