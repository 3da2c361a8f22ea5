"""The supervisor behind `make up`: services → migrate → demo → worker and web, and all of it down again."""

import http.client
import json
import os
import shlex
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatwithus.embedded import Services
from chatwithus.folder import CannotStart
from chatwithus.processes import Child, die_with_parent
from chatwithus.signals import Signals, Stopped

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "How long do I have to return something?"


def say(text: str = "") -> None:
    """Print to a terminal that may have been closed meanwhile."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def stage(name: str) -> Iterator[None]:
    """One line for a stage, with the seconds it took."""
    began = time.monotonic()
    yield
    say(f"  {name:<10}{time.monotonic() - began:5.1f} s")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the web listens, and how people reach it."""

    host: str
    port: int
    public_url: str

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Address":
        """From HOST, PORT and PUBLIC_URL; refuses a port that is no number or taken."""
        host, port = variables.get("HOST") or "127.0.0.1", variables.get("PORT") or "8000"
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise CannotStart(
                f"PORT must be a number from 1 to 65535, not {port!r}: for instance PORT=8001 make up."
            )
        address = cls(
            host, int(port), (variables.get("PUBLIC_URL") or f"http://127.0.0.1:{port}").rstrip("/")
        )
        address.claim()
        return address

    def claim(self) -> None:
        """Bind for a moment, which fails where another program listens."""
        with socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
                probe.listen(1)
            except OSError as error:
                raise CannotStart(
                    f"Cannot listen on {self.host} port {self.port} ({error.strerror}):"
                    " stop what uses it, or choose another port,"
                    f" for instance PORT={self.port % 65535 + 1} make up."
                ) from error

    def is_ready(self) -> bool:
        """Whether /readyz answers 200."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "") else self.host
        connection = http.client.HTTPConnection(host, self.port, timeout=5)
        try:
            connection.request("GET", "/readyz", headers={"Host": f"127.0.0.1:{self.port}"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Program:
    """Everything one `make up` runs on one data folder."""

    def __init__(self, path: Path, address: Address, signals: Signals) -> None:
        self.address, self.signals = address, signals
        self.services = Services(path, pause=signals.pause)
        self.children = self.services.children
        self.children.hurried = lambda: signals.is_hurried
        self.credentials = self.services.folder.path / "demo.json"

    def start(self) -> None:
        """Each stage in turn; worker and web load side by side."""
        with stage("services"):
            self.services.start()
            self.services.publish(self.address.public_url)
        if self.services.leftovers:
            say(f"  (stopped what an earlier start left: {', '.join(self.services.leftovers)})")
        with stage("migrate"):
            self._manage("migrate", "--verbosity", "1", owner=True)
        with stage("demo"):
            self._manage("open_demo", "--credentials", str(self.credentials))
        with stage("worker"):
            worker = self._worker()
            web = self._python("web", "-m", "chatwithus.serve")
            self.children.wait_for(
                worker, lambda: _has_said(worker, " ready."), patience=90, remedy=_read_on(worker)
            )
        with stage("web"):
            self.children.wait_for(web, self.address.is_ready, patience=90, remedy=_read_on(web))

    def watch(self) -> None:
        """Return never, but raise: Stopped when asked to, CannotGoOn when a child has ended."""
        while True:
            for child in self.children.running:
                if child.has_ended():
                    raise CannotGoOn(child)
                child.trim()
            self.signals.pause(0.2)

    def stop(self) -> None:
        """Web, worker, Valkey, Postgres: the reverse of the start, run by `Services`."""
        self.signals.is_stopping = True
        self.services.stop()

    def _environment(self, *, owner: bool) -> dict[str, str]:
        secrets = self.services.environment() | (self.services.owner_environment() if owner else {})
        where = {
            "HOST": self.address.host,
            "PORT": str(self.address.port),
            "PUBLIC_URL": self.address.public_url,
        }
        ours = secrets | where | {"DATA_DIR": str(self.services.folder.path)}
        return {**os.environ, "PYTHONUNBUFFERED": "1", **ours}

    def _python(self, name: str, *arguments: str) -> Child:
        command = [sys.executable, *arguments]
        return self.children.start(name, command, environment=self._environment(owner=False), folder=ROOT)

    def _worker(self) -> Child:
        schedule = str(self.services.folder.path / "celerybeat-schedule")
        options = ["--loglevel", "INFO", "--concurrency", "2", "--without-gossip", "--without-mingle"]
        return self._python(
            "worker", "-m", "celery", "-A", "chatwithus", "worker", "--beat", "--schedule", schedule, *options
        )

    def _manage(self, name: str, *arguments: str, owner: bool = False) -> None:
        status, child = self.children.run(
            name,
            [sys.executable, "manage.py", name, *arguments],
            environment=self._environment(owner=owner),
            folder=ROOT,
        )
        if status != 0:
            raise CannotStart(f"{name} failed ({child.complaint()}): {_read_on(child)}")


class CannotGoOn(Exception):
    """A child ended on its own, so the rest has to end too."""

    def __init__(self, child: Child) -> None:
        status = child.finish()
        cause = (
            f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        )
        lines = "\n".join(f"  | {line}" for line in child.last_lines())
        super().__init__(
            f"{child.name} {cause}, so everything stops; its last lines (all: {child.log}):\n{lines}"
        )


def _has_said(child: Child, words: str) -> bool:
    return words in child.log.read_text(errors="replace")


def _read_on(child: Child) -> str:
    return f"see {child.log}, then start again."


def welcome(address: Address, credentials: Mapping[str, Any]) -> str:
    """What a person needs now: the pages, the login and one request to paste."""
    body = json.dumps({"agent": credentials["agent"], "message": QUESTION})
    curl = [
        f"curl -s {shlex.quote(address.public_url + '/api/v1/chat')}",
        f"-H {shlex.quote('Authorization: Bearer ' + credentials['api_key'])}",
        f"-H 'Content-Type: application/json' -d {shlex.quote(body)}",
    ]
    return (
        f"\n  Demo site      {address.public_url}/\n"
        f"  Staff console  {address.public_url}/console/"
        f"   login {credentials['email']}   password {credentials['password']}\n"
        f"  REST           {' '.join(curl)}\n\n"
        "Ctrl-C stops everything."
    )


def _run(signals: Signals) -> None:
    path = Path(os.environ.get("DATA_DIR") or ROOT / ".data")
    program = Program(path, Address.read(os.environ), signals)
    try:
        program.start()
        say(welcome(program.address, json.loads(program.credentials.read_text())))
        program.watch()
    except Stopped:
        say("\nStopping …")
    finally:
        program.stop()
    say("Stopped.")


def main() -> None:
    """Exit status 0 when asked to stop, 1 when it could not start or had to give up."""
    signals = Signals()
    signals.install()
    if Path(f"/proc/{os.getppid()}/comm").read_text().strip() == "make":
        die_with_parent(signal.SIGTERM)
    try:
        _run(signals)
    except (CannotStart, CannotGoOn) as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
