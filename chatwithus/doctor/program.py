"""Every check of the doctor, in the order in which a start would meet them."""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial

from chatwithus.doctor import broker, configuration, databases, machine, report, traffic, walls
from chatwithus.doctor.checkup import Check, examine
from chatwithus.doctor.installation import Installation

WHAT = "Say what keeps this installation from working, and what to do about it."


def _of_database(name: str, variable: str) -> list[Check]:
    there, loaded = (name,), (name, "settings")
    return [
        Check(name, partial(databases.reach, variable=variable)),
        Check(f"{name} role", partial(databases.role, variable=variable), there),
        Check(f"{name} migrations", partial(databases.migrations, variable=variable), loaded),
        Check(f"{name} walls", partial(walls.walls, variable=variable), there),
        Check(f"{name} clock", partial(databases.clock, variable=variable), there),
    ]


CHECKS = (
    Check("python", machine.python),
    Check("settings", configuration.settings, limit=30),
    Check("secrets", configuration.secrets),
    Check("disk", machine.disk),
    Check("port", machine.port, limit=15),
    Check("front end", machine.bundles),
    Check("embedder", machine.embedder),
    *_of_database("database", "DATABASE_URL"),
    Check("database lookups", partial(walls.lookups, variable="DATABASE_URL"), ("database", "settings")),
    *_of_database("vectors", "VECTOR_DATABASE_URL"),
    Check("vectors extension", partial(databases.extension, variable="VECTOR_DATABASE_URL"), ("vectors",)),
    Check("valkey", broker.valkey),
    Check("valkey eviction", broker.eviction, ("valkey",)),
    Check("cache", traffic.cache),
    Check("limits", traffic.limits),
    Check("worker", broker.worker, ("valkey",)),
    Check("beat", broker.beat),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object, for programs")


def run(out: report.Out, *, as_json: bool) -> int:
    """Examine what the environment describes; the exit status is 1 when anything is bad."""
    tell = report.tell_programs if as_json else report.tell_people
    return 0 if tell(examine(CHECKS, Installation(os.environ)), out) else 1


def main(arguments: Sequence[str]) -> int:
    """The program behind `python -m chatwithus.doctor` and `manage.py doctor`."""
    parser = argparse.ArgumentParser(prog="doctor", description=WHAT)
    add_arguments(parser)
    chosen = parser.parse_args(arguments)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ✓ is no reason to fail
    return run(sys.stdout, as_json=chosen.as_json)
