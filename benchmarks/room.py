"""An installation with one web process for benchmarks that look inside that process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.db import connections

from benchmarks.harness import ROOT, UNLIMITED
from chatwithus import embedded
from chatwithus.address import Address
from chatwithus.embedded.cluster import free_port
from chatwithus.embedded.processes import Child
from tests.folders import fresh_folder

SETTINGS = {"PROVIDERS": "scripted=tests.scripted.Scripted", "LOG_LEVEL": "WARNING", **UNLIMITED}


@contextmanager
def furnished() -> Iterator[embedded.Services]:
    """PostgreSQL and Valkey with migrated databases, on which Django of this process works too."""
    with fresh_folder() as folder, embedded.started(folder, fast=True) as services:
        owner = services.environment() | services.owner_environment() | {"DATA_DIR": str(folder)}
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env=os.environ | owner, check=True)
        before = dict(os.environ)
        os.environ |= {"DATA_DIR": str(folder), **services.environment(), **SETTINGS}
        os.environ["DJANGO_SETTINGS_MODULE"] = "chatwithus.settings"
        django.setup()
        try:
            yield services
        finally:
            connections.close_all()
            os.environ.clear()
            os.environ |= before  # where the figures are kept


@dataclass(frozen=True, slots=True)
class Web:
    port: int
    child: Child

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def log(self) -> Path:
        return self.child.log


@contextmanager
def serving(services: embedded.Services, **settings: str) -> Iterator[Web]:
    """The product's own web process, until the block ends."""
    address = Address("127.0.0.1", free_port(), "")
    here = {"PORT": str(address.port), "PUBLIC_URL": f"http://127.0.0.1:{address.port}", **settings}
    command = [sys.executable, "-m", "chatwithus.serve"]
    child = services.children.start("web", command, environment=dict(os.environ) | here, folder=ROOT)
    services.children.wait_for(
        child, lambda: address.get("/readyz")[0] == 200, patience=60, remedy="see its log"
    )
    try:
        yield Web(address.port, child)
    finally:
        services.children.stop(child, patience=20)


def house(**agent: Any) -> Any:
    """A tenant with its agent, of this script where one is given."""
    from tests.world import found_house  # needs Django's apps to be ready

    found = found_house("acme")
    if agent:
        found.tenant.providers = ["builtin", "scripted"]
        found.tenant.save()
        with found.scope():
            found.agent.configure({"only_from_knowledge": False, **agent})
            found.agent.save()
    return found
