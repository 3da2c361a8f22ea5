"""The databases and Valkey of docker-compose.yml, run from the wheels' programs with the settings and scripts that the images get."""

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

import psycopg

from chatwithus.embedded import quarters
from chatwithus.embedded.children import Children
from chatwithus.embedded.cluster import WITHOUT_SYNC
from chatwithus.embedded.processes import Child
from tests.deploy.checkout import Checkout

DATABASES = {"app-db": "chatwithus", "vector-db": "chatwithus_vectors"}


class Backing:
    """Its programs run as the user that the test services have, since PostgreSQL wants one with a name."""

    def __init__(self, checkout: Checkout, children: Children, folder: Path) -> None:
        self._checkout, self._children = checkout, children
        self._quarters = quarters.settle(folder)
        self._running: list[Child] = []
        self._path = f"{self._quarters.postgres}/bin:{self._quarters.valkey}:{os.defpath}"

    def start_database(self, name: str) -> None:
        """As the image does it: make the cluster, start it, run what is mounted to be run on an empty volume."""
        settings = self._checkout.compose.environment(name)
        data, password = self._quarters.home / name, self._quarters.home / f"{name}-password"
        password.write_text(settings["POSTGRES_PASSWORD"])
        if user := self._quarters.user:
            os.chown(password, user.uid, user.gid)
        named = [f"--username={settings['POSTGRES_USER']}", *shlex.split(settings["POSTGRES_INITDB_ARGS"])]
        self.run(["initdb", f"--pgdata={data}", f"--pwfile={password}", "--no-sync", *named])
        options = WITHOUT_SYNC | {
            "listen_addresses": "127.0.0.1",
            "port": str(self._checkout.ports[name]),
            "unix_socket_directories": str(self._quarters.home),
        }
        words = [word for option, value in options.items() for word in ("-c", f"{option}={value}")]
        server = self._start(name, ["postgres", "-D", str(data), *words], {})
        self._children.wait_for(server, lambda: self._answers(name), patience=60, remedy=f"see {server.log}")
        self.inside(name, "bash /docker-entrypoint-initdb.d/bootstrap.sh")

    def start_valkey(self) -> None:
        script, port = self._checkout.folder / "deploy/valkey/start.sh", str(self._checkout.ports["valkey"])
        command = ["sh", str(script), "--port", port, "--bind", "127.0.0.1"]
        server = self._start("valkey", command, self._checkout.compose.environment("valkey"))
        ready = "Ready to accept connections"
        self._children.wait_for(
            server, lambda: ready in server.log.read_text(), patience=30, remedy=f"see {server.log}"
        )

    def connect(self, name: str, role: str, database: str) -> psycopg.Connection:
        """Past the password, as inside the container."""
        port, socket = self._checkout.ports[name], str(self._quarters.home)
        return psycopg.connect(host=socket, port=port, user=role, dbname=database, autocommit=True)

    def inside(self, name: str, command: str, *, folder: Path = Path("/")) -> None:
        """A shell command inside a database's container, with its environment; it has to end well."""
        there = {"PGHOST": str(self._quarters.home), "PGPORT": str(self._checkout.ports[name])}
        variables = self._checkout.compose.environment(name) | there
        self.run(["sh", "-c", self._checkout.here(command)], variables=variables, folder=folder)

    def folder(self, name: str) -> Path:
        """A new one that its user may write in."""
        path = self._quarters.home / name
        path.mkdir()
        if user := self._quarters.user:
            os.chown(path, user.uid, user.gid)
        return path

    def run(self, command: list[str], *, variables: Mapping[str, str] = {}, folder: Path = Path("/")) -> None:
        status, child = self._children.run(
            "backing-command",
            self._found(command),
            environment={**variables, "PATH": self._path},
            user=self._quarters.user,
            folder=folder,
        )
        assert status == 0, "\n".join(child.last_lines())

    def _start(self, name: str, command: list[str], variables: Mapping[str, str]) -> Child:
        server = self._children.start(
            f"backing-{name}",
            self._found(command),
            environment={**variables, "PATH": self._path},
            user=self._quarters.user,
        )
        self._running.append(server)
        return server

    def stop_all(self) -> None:
        for server in reversed(self._running):
            self._children.stop(server, patience=20)

    def _found(self, command: list[str]) -> list[str]:
        return [shutil.which(command[0], path=self._path) or command[0], *command[1:]]

    def _answers(self, name: str) -> bool:
        try:
            self.connect(name, "superuser", "postgres").close()
        except psycopg.OperationalError:
            return False
        return True
