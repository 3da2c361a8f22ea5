"""pytest plugin: real PostgreSQL and Valkey for one run, in a folder and on ports of its own.

The owner migrates one template of each database; the run works on clones of them, connected as `app`. Where a run has several
processes, the one that hands out the tests does that for all: each of the others works on services of its own, on a copy of the folder.
tests/run.sh names a folder for that beforehand, which stays for its second part.
Loaded with `-p`, before Django's settings are, which read the addresses from the environment."""

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
MIGRATED = "CHATWITHUS_MIGRATED"  # names the folder to copy

_key = pytest.StashKey[embedded.Services]()
_folder = pytest.StashKey[Path]()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, Any, Any]:
    folder = early_config.stash[_folder] = Path(tempfile.mkdtemp(prefix="chatwithus-test-"))
    folder.chmod(0o755)
    services = early_config.stash[_key] = _migrated(folder / "data")
    if _hands_out(early_config):
        services.stop()
        os.environ[MIGRATED] = str(services.folder.path)
    else:
        for kind, clone in CLONES.items():
            services.create_database(clone, template=TEMPLATES[kind])
    os.environ |= environment(services) | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    return (yield)


def _hands_out(config: pytest.Config) -> bool:
    """Whether the tests run in other processes than this one."""
    processes = getattr(config.known_args_namespace, "numprocesses", None)
    return bool(processes) and "PYTEST_XDIST_WORKER" not in os.environ


def _migrated(data: Path) -> embedded.Services:
    """Running services, with the templates in them."""
    made = Path(os.environ.get(MIGRATED, data))
    is_new = not made.exists()
    is_copy = not is_new and not (made / "services").is_symlink()
    if is_copy:
        subprocess.run(["cp", "-a", made, data], check=True)
    services = embedded.start(made if is_new else data, fast=True)
    if not is_copy:
        _migrate(services)
    return services


def pytest_unconfigure(config: pytest.Config) -> None:
    if services := config.stash.get(_key, None):
        services.stop()
        shutil.rmtree(config.stash[_folder], ignore_errors=True)


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
