"""PostgreSQL and Valkey as children of the program: `with embedded.started(folder) as services: …`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from chatwithus.embedded import quarters
from chatwithus.embedded.children import Children
from chatwithus.embedded.cluster import Cluster
from chatwithus.embedded.folder import CannotStart, DataFolder, write_json
from chatwithus.embedded.processes import Pause
from chatwithus.embedded.valkey import Valkey


class Services:
    """The running services of one data folder, which this program holds until `stop`."""

    def __init__(self, path: Path, *, fast: bool = False, pause: Pause = time.sleep) -> None:
        self.folder = DataFolder(path)
        self.children = Children(self.folder, pause=pause)
        self._fast = fast
        self._public_url = ""

    def take(self) -> list[str]:
        """Take the folder and stop what an earlier program left there; returns the names of that."""
        self.folder.open()
        return self.children.stop_leftovers()

    def start(self) -> None:
        """Start Postgres and Valkey, on a folder taken by now; a failure stops what has been started."""
        if not self.folder.is_held:
            self.take()
        try:
            self._secrets = self.folder.secrets()
            home = quarters.settle(self.folder.path)
            self.cluster = Cluster(home, self.children, passwords=self._secrets, fast=self._fast)
            self.valkey = Valkey(home, self.children, password=self._secrets["valkey"])
            self._postgres = self.cluster.start()
            self._valkey = self.valkey.start()
        except OSError as error:
            self.stop()
            raise CannotStart(
                f"The services cannot start in {self.folder.path} ({error}): see to the cause and try again."
            ) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop every child, last started first, and let go of the folder; does nothing a second time."""
        if not self.folder.is_held:
            return
        self.folder.say("stopping")
        self._path("run.json").unlink(missing_ok=True)
        self._path("owner.json").unlink(missing_ok=True)
        for child in reversed(self.children.running.copy()):
            self.children.stop(child, patience=10)
        self.folder.close()

    def _path(self, name: str) -> Path:
        return self.folder.path / name

    def database_url(self, role: str, database: str) -> str:
        """A DSN of `app` or `owner` to any database of the cluster."""
        password = quote(self._secrets[role], safe="")
        return f"postgresql://{role}:{password}@127.0.0.1:{self.cluster.port}/{database}"

    def redis_url(self, number: int = 0) -> str:
        """A URL to one of Valkey's 16 numbered databases."""
        return f"redis://:{quote(self._secrets['valkey'], safe='')}@127.0.0.1:{self.valkey.port}/{number}"

    def environment(
        self, *, database: str = "chatwithus", vectors: str = "chatwithus_vectors"
    ) -> dict[str, str]:
        """What a serving process needs: the DSNs of `app`, the broker and the signing key."""
        return {
            "DATABASE_URL": self.database_url("app", database),
            "VECTOR_DATABASE_URL": self.database_url("app", vectors),
            "REDIS_URL": self.redis_url(),
            "SECRET_KEY": self._secrets["secret_key"],
        }

    def owner_environment(
        self, *, database: str = "chatwithus", vectors: str = "chatwithus_vectors"
    ) -> dict[str, str]:
        """What `migrate` needs beside that: the DSNs of `owner`."""
        return {
            "OWNER_DATABASE_URL": self.database_url("owner", database),
            "OWNER_VECTOR_DATABASE_URL": self.database_url("owner", vectors),
        }

    def create_database(self, name: str, *, template: str = "template1") -> None:
        """Make a database of the owner; nobody may be connected to the template."""
        self.cluster.create_database(name, template=template)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, whoever is connected."""
        self.cluster.drop_database(name)

    def publish(self, public_url: str) -> None:
        """Write run.json and owner.json, by which `manage.py` in another terminal finds the services."""
        write_json(self._path("run.json"), self.environment() | {"PUBLIC_URL": public_url})
        write_json(self._path("owner.json"), self.owner_environment())


def start(path: Path, *, fast: bool = False) -> Services:
    """Start both services with their data below `path`; `fast` forgoes durability, for tests."""
    services = Services(path, fast=fast)
    services.start()
    return services


@contextmanager
def started(path: Path, *, fast: bool = False) -> Iterator[Services]:
    """Both services for the length of a block."""
    services = start(path, fast=fast)
    try:
        yield services
    finally:
        services.stop()
