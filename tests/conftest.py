"""Fixtures by the two kinds of test: `db` tests roll back; `committed` ones cross processes, in fresh tenants, and stay."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from chatwithus.embedded import Services
from chatwithus.embedded.processes import Child
from tests.server import Server, at_work, serving, working
from tests.world import House, found_house

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.chromium import Chromium

# Files and folders that take long, the longest first: begun last, one process would have the others wait for it.
LONG = (
    "isolation/test_proof.py", "api/test_fuzz.py", "journeys/test_faults.py", "journeys/test_up.py", "isolation/test_planted.py",
    "deploy/", "widget/", "journeys/", "chatwithus/", "api/", "knowledge/",
)  # fmt: skip


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Of a file that does not say `timely` nothing is, and it need not be read where only that is wanted."""
    is_file = collection_path.suffix == ".py"
    is_other = config.option.markexpr == "timely" and is_file and "timely" not in collection_path.read_text()
    return is_other or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)
    for item in items:
        if "db" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.django_db(databases=["default", "vectors"]))


def _place(item: pytest.Item) -> int:
    """Among the long ones, or behind all of them."""
    path = item.path.as_posix()
    return next((place for place, name in enumerate(LONG) if f"/tests/{name}" in path), len(LONG))


@pytest.fixture(scope="session", autouse=True)
def _certificates() -> Iterator[None]:
    """httpx reads the whole world's for every client, 20 ms each time; here the first has read them for all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", cache(httpx.create_ssl_context))
        yield


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """The databases are clones made by tests/services.py; nothing is created or flushed here."""


@pytest.fixture
def acme(db: None) -> House:
    return found_house("acme")


@pytest.fixture
def globex(db: None) -> House:
    return found_house("globex")


@pytest.fixture
def committed(django_db_blocker: Any) -> Iterator[None]:
    """Real commits, seen by every other process of the run."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def houses(committed: None) -> tuple[House, House]:
    """acme and globex, committed."""
    return found_house("acme"), found_house("globex")


@pytest.fixture(scope="session")
def production(services: Services) -> Iterator[Server]:
    """What serves in production, once for the run."""
    with serving(services) as running:
        yield running


@pytest.fixture(scope="session")
def server(production: Server) -> Server:
    return production


@pytest.fixture(scope="session")
def _worker(services: Services) -> Iterator[Child]:
    with working(services) as running:
        yield running


@pytest.fixture(scope="module")
def worker(services: Services, _worker: Child) -> Iterator[Child]:
    """Idle but for modules that want it, or it would do beside all others what these leave to one."""
    with at_work(services):
        yield _worker


@pytest.fixture(scope="session")
def _chromium() -> Iterator["Chromium"]:
    from tests.chromium import started  # which most runs of a file or two can do without

    with started() as running:
        yield running


@pytest.fixture(scope="module")
def chromium(_chromium: "Chromium") -> Iterator["Browser"]:
    with _chromium.lent() as browser:
        yield browser
