"""One physical connection, two tenants in turn: nothing of the one may stick to it."""

import os
import subprocess
import sys

from chatwithus.embedded import Services
from tests.services import ROOT, environment
from tests.world import House

PROGRAM = """
import sys, uuid
import django; django.setup()
from django.db import close_old_connections, connection
from apps.agents.models import Agent
from apps.tenants import scope
tenants = [uuid.UUID(argument) for argument in sys.argv[1:]]
pids = set()
for turn in range(6):
    with scope.scoped_to(tenants[turn % 2]):
        assert Agent.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM agents_agent")
        assert cursor.fetchone() == (0,), "an unscoped query on a recycled connection saw rows"
        cursor.execute("SELECT pg_backend_pid()")
        pids.add(cursor.fetchone()[0])
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM agents_agent")
        assert cursor.fetchone() == (0,), "the tenant stuck to the pooled connection"
    with scope.scoped_to(tenants[turn % 2]):
        Agent.objects.count()
    connection.close()
assert len(pids) == 1, "the pool was meant to hold one connection"
connection.close_pool()
print("alternated")
"""


def test_two_tenants_alternate_over_a_pool_of_one(services: Services, houses: tuple[House, House]) -> None:
    tenants = [str(house.tenant.id) for house in houses]
    variables = os.environ | environment(services) | {"DATABASE_POOL_SIZE": "1"}
    command = [sys.executable, "-c", PROGRAM, *tenants]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.stdout == "alternated\n", done.stderr
