"""PostgreSQL with pgvector, run straight from the binaries of its wheel."""

import os
import shutil
import signal
import socket
from pathlib import Path

import psycopg
from psycopg import sql

from chatwithus.embedded.children import Children
from chatwithus.embedded.folder import CannotStart
from chatwithus.embedded.processes import Child
from chatwithus.embedded.quarters import Quarters

MAJOR = "18"
SUPERUSER = "superuser"
DATABASES = ("chatwithus", "chatwithus_vectors")
BOOTSTRAP = Path(__file__).resolve().parents[2] / "deploy" / "postgres" / "sql"  # what containers run too

CONFIGURATION = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "min_wal_size": "32MB",
    "max_wal_size": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m ",
}
WITHOUT_SYNC = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


class Cluster:
    """One cluster; its superuser only makes roles, databases and the extension."""

    def __init__(
        self, quarters: Quarters, children: Children, *, passwords: dict[str, str], fast: bool
    ) -> None:
        self._quarters, self._children, self._passwords = quarters, children, passwords
        self._configuration = CONFIGURATION | (WITHOUT_SYNC if fast else {})
        self.data = quarters.home / "postgres"
        self.port = 0

    def start(self) -> Child:
        """Start the server, on a new cluster when there is none yet, and see to roles and databases."""
        if self.data.exists():
            self._inspect()
        else:
            self._create()
        child = self._serve()
        try:
            self._admit()
        except psycopg.Error as error:
            raise CannotStart(
                f"The database in {self.data} is damaged or has other passwords ({_first_line(error)}):"
                f" restore {self.data.parent.parent} as a whole from a copy, or move it away to begin anew."
            ) from error
        return child

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection of the superuser in autocommit."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=SUPERUSER,
            password=self._passwords["superuser"],
            dbname=database,
            autocommit=True,
            connect_timeout=10,
        )

    def _inspect(self) -> None:
        remedy = f"restore it from a copy, or move {self.data} away to begin anew."
        try:
            major = (self.data / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise CannotStart(
                f"The database in {self.data} is damaged (PG_VERSION is missing): {remedy}"
            ) from error
        if major != MAJOR:
            raise CannotStart(
                f"The database in {self.data} was made by PostgreSQL {major or '?'} and this is {MAJOR}:"
                " dump it with that version first, or choose another folder with DATA_DIR."
            )

    def _create(self) -> None:
        """Make it in a draft folder and rename that last, so a half-made one is never taken for whole."""
        draft, password = self.data.with_name("postgres-draft"), self._quarters.home / "password"
        shutil.rmtree(draft, ignore_errors=True)
        self._write_for_server(password, self._passwords["superuser"])
        try:
            status, child = self._children.run(
                "initdb",
                [
                    self._quarters.postgres / "bin/initdb",
                    f"--pgdata={draft}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--no-instructions",
                    *(["--no-sync"] if "fsync" in self._configuration else []),
                ],
                environment={"PATH": os.defpath},
                user=self._quarters.user,
            )
        finally:
            password.unlink(missing_ok=True)
        if status != 0:
            raise CannotStart(
                f"The database could not be created in {self.data.parent} ({child.complaint()}):"
                f" see to the cause and start again; {child.log} tells more."
            )
        draft.rename(self.data)

    def _write_for_server(self, path: Path, text: str) -> None:
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        if self._quarters.user is not None:
            os.chown(path, self._quarters.user.uid, self._quarters.user.gid)

    def _serve(self) -> Child:
        self.port = self.port or free_port()  # after a crash it comes back where it was
        settings = self._configuration | {"port": str(self.port)}
        child = self._children.start(
            "postgres",
            [
                self._quarters.postgres / "bin/postgres",
                "-D",
                self.data,
                *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
            ],
            environment={"PATH": os.defpath, "LANG": "C"},
            user=self._quarters.user,
            farewells=(signal.SIGINT, signal.SIGQUIT),  # fast, then immediate: SIGKILL would leave backends
        )
        self._children.wait_for(
            child,
            lambda: self._is_ready(child.pid),
            patience=120,
            remedy=f"restore {self.data} from a copy, or move it away to begin anew; {child.log} tells more.",
        )
        return child

    def _is_ready(self, pid: int) -> bool:
        """Postgres writes its own number as the first line of its pid file and `ready` as the last."""
        try:
            lines = (self.data / "postmaster.pid").read_text().split()
        except OSError:
            return False
        return lines[:1] == [str(pid)] and lines[-1] == "ready"

    def _admit(self) -> None:
        """Roles, databases and the extension; repeated at each start, so that a torn first start heals."""
        with self.connect() as superuser:
            self._make_roles(superuser)
            known = {row[0] for row in superuser.execute("SELECT datname FROM pg_database")}
        self._open_schema("template1")
        for name in DATABASES:
            if name not in known:
                self.create_database(name)
            self._open_schema(name)

    def _make_roles(self, superuser: psycopg.Connection) -> None:
        for name in ("owner", "app"):
            superuser.execute(
                "SELECT set_config(%s, %s, false)", [f"bootstrap.{name}_password", self._passwords[name]]
            )
        superuser.execute((BOOTSTRAP / "roles.sql").read_bytes())

    def _open_schema(self, database: str) -> None:
        with self.connect(database) as superuser:
            superuser.execute((BOOTSTRAP / "database.sql").read_bytes())

    def create_database(self, name: str, *, template: str = "template1") -> None:
        """Make a database of the owner; nobody may be connected to the template."""
        with self.connect() as superuser:
            superuser.execute(
                sql.SQL("CREATE DATABASE {} OWNER owner TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, whoever is connected."""
        with self.connect() as superuser:
            superuser.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
