"""pytest plugin: real PostgreSQL and Valkey for one run, in a folder and on ports of its own.

The owner migrates one template of each database; the run works on clones of them, connected as `app`. Loaded with `-p`, before
Django's settings are, which read the addresses from the environment."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from chatwithus import embedded
from chatwithus.embedded.cluster import free_port

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = {"database": "chatwithus", "vectors": "chatwithus_vectors"}
CLONES = {"database": "test", "vectors": "test_vectors"}
SITE_PORT = (
    free_port()
)  # where tests serve a website that the worker may read: see tests/knowledge/website.py
PROVIDERS = "scripted=tests.scripted.Scripted"

_key = pytest.StashKey[embedded.Services]()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, Any, Any]:
    folder = Path(tempfile.mkdtemp(prefix="chatwithus-test-"))
    folder.chmod(0o755)
    services = embedded.start(folder / "data", fast=True)
    early_config.stash[_key] = services
    _migrate(services)
    for kind, clone in CLONES.items():
        services.create_database(clone, template=TEMPLATES[kind])
    os.environ |= environment(services) | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    if services := config.stash.get(_key, None):
        services.stop()
        shutil.rmtree(services.folder.path.parent, ignore_errors=True)


@pytest.fixture(scope="session")
def services(pytestconfig: pytest.Config) -> embedded.Services:
    return pytestconfig.stash[_key]


def environment(services: embedded.Services) -> dict[str, str]:
    """What every process of this run needs to reach the clones as `app`."""
    here = {
        "DATA_DIR": str(services.folder.path),
        "EGRESS_ALLOW": f"127.0.0.1:{SITE_PORT}",
        "LOG_LEVEL": "INFO",
        "PROVIDERS": PROVIDERS,
    }
    here["DAILY_TOKENS"] = "0"  # what a budget does is tested by itself
    return services.environment(**CLONES) | here


def _migrate(services: embedded.Services) -> None:
    owner = services.environment() | services.owner_environment()
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=os.environ | owner, check=True)
