"""The supervisor behind `make up`: services → migrate → demo, worker and web; and all of it down again."""

import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from chatwithus import neighbours
from chatwithus.address import Address
from chatwithus.embedded import Services
from chatwithus.embedded.folder import CannotStart
from chatwithus.embedded.processes import Child, adopt_orphans, die_with_parent
from chatwithus.signals import Signals, Stopped

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "How long do I have to return something?"
PATIENCE = 90
MEMORY = "700000"  # KiB; reading documents takes some 450 MB, and what grows beyond is replaced


class CannotGoOn(Exception):
    """A child ended on its own, so the rest has to end too."""

    def __init__(self, child: Child) -> None:
        status = child.finish()
        cause = f"ended with status {status}"
        if status < 0:
            cause = f"was killed by {signal.Signals(-status).name}"
        lines = "".join(f"\n  | {line}" for line in child.last_lines())
        super().__init__(f"{child.name} {cause}, so everything stops; the end of {child.log}:{lines}")


def say(text: str = "") -> None:
    """Print to a terminal that may have been closed meanwhile."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def stage(name: str, *, since: float | None = None) -> Iterator[None]:
    """One line for a stage, with the seconds it took."""
    began = since or time.monotonic()
    yield
    say(f"  {name:<10}{time.monotonic() - began:5.1f} s")


class Program:
    """Everything one `make up` runs on one data folder."""

    def __init__(self, path: Path, address: Address, signals: Signals) -> None:
        self.address, self.signals = address, signals
        self.services = Services(path, pause=signals.pause)
        self.children = self.services.children
        self.children.hurried = lambda: signals.is_hurried
        self.credentials = self.services.folder.path / "demo.json"

    def start(self) -> None:
        """Each stage in turn; worker and web load while the demo opens."""
        if leftovers := self.services.take():
            say(f"  Stopped what an earlier start had left: {', '.join(leftovers)}.")
        self.address.claim()
        with stage("services"):
            self.services.start()
            self.services.publish(self.address.public_url)
        with stage("migrate"):
            self._manage("migrate", "--skip-checks", environment=self.services.owner_environment())
        began = time.monotonic()
        worker, reader = self._worker(), self._reader()
        web = self._python("web", "-m", "chatwithus.serve")
        with stage("demo"):
            self._manage("open_demo", "--skip-checks", "--credentials", str(self.credentials))
        with stage("worker", since=began):
            for child in (worker, reader):
                self.children.wait_for(
                    child, partial(_is_consuming, child), patience=PATIENCE, remedy=_read(child)
                )
        with stage("web", since=began):
            self.children.wait_for(web, self._is_serving, patience=PATIENCE, remedy=_read(web))
        with stage("knowledge"):
            self.children.wait_for(reader, self._has_read_demo, patience=PATIENCE, remedy=_read(reader))
        self._indexer()

    def watch(self) -> None:
        """Go on until asked to stop (Stopped) or a child has ended (CannotGoOn)."""
        while True:
            for child in self.children.running:
                if child.has_ended():
                    raise CannotGoOn(child)
                child.trim()
            self.signals.pause(0.2)

    def stop(self) -> None:
        """Web, worker, Valkey, Postgres: `Services` stops in the reverse order of the start."""
        self.signals.is_stopping = True
        self.services.stop()

    def _environment(self) -> dict[str, str]:
        """Ours above the caller's, without any owner's address the caller may have."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OWNER_")}
        return {
            **inherited,
            **self.services.environment(),
            "DATA_DIR": str(self.services.folder.path),
            "HOST": self.address.host,
            "PORT": str(self.address.port),
            "PUBLIC_URL": self.address.public_url,
            "PYTHONUNBUFFERED": "1",
        }

    def _python(self, name: str, *arguments: str, **added: str) -> Child:
        command, environment = [sys.executable, *arguments], self._environment() | added
        return self.children.start(name, command, environment=environment, folder=ROOT)

    def _worker(self) -> Child:
        """What is short: scores, counts, sweeps."""
        schedule = str(self.services.folder.path / "celerybeat-schedule")
        return self._celery("worker", "celery", "--beat", "--schedule", schedule)

    def _reader(self) -> Child:
        """What is long: reading documents in, so that no dashboard waits behind one."""
        return self._celery("reader", "reading")

    def _indexer(self) -> Child:
        """The one that stays and is the tables' owner: it builds indexes, and serves nobody."""
        command = ["manage.py", "index_vectors", "--skip-checks", "--every", "600"]
        return self._python("indexer", *command, **self.services.owner_environment())

    def _celery(self, name: str, queue: str, *added: str) -> Child:
        """Its log says when it is ready, so it logs at INFO whatever LOG_LEVEL the rest has."""
        celery = ["-m", "celery", "-A", "chatwithus", "worker", "--hostname", f"{name}@%h", "--queues", queue]
        size = ["--concurrency", "1", "--max-memory-per-child", MEMORY]
        options = ["--loglevel", "INFO", "--without-gossip", "--without-mingle", *size]
        return self._python(name, *celery, *added, *options, LOG_LEVEL="INFO")

    def _is_serving(self) -> bool:
        return self.address.get("/readyz")[0] == 200

    def _has_read_demo(self) -> bool:
        """Whether the demo's sources are searchable, so that its first visitor gets an answer."""
        demo = json.loads(self.credentials.read_text())
        return not any(self._is_unread(source, demo["read_key"]) for source in demo.get("knowledge", []))

    def _is_unread(self, source: str, key: str) -> bool:
        status, body = self.address.get(f"/api/v1/knowledge/{source}", Authorization=f"Bearer {key}")
        return status == 0 or (status == 200 and json.loads(body)["status"] in ("waiting", "working"))

    def _manage(self, name: str, *arguments: str, environment: Mapping[str, str] = {}) -> None:
        status, child = self.children.run(
            name,
            [sys.executable, "manage.py", name, *arguments],
            environment={**self._environment(), **environment},
            folder=ROOT,
        )
        if status != 0:
            raise CannotStart(f"{name} failed ({child.complaint()}): {_read(child)}")


def _is_consuming(worker: Child) -> bool:
    return " ready." in worker.log.read_text(errors="replace")


def _read(child: Child) -> str:
    return f"see {child.log}, then start again."


def welcome(address: Address, credentials: Mapping[str, str], offer: str | None = None) -> str:
    """What a person needs now: the pages, the login, one request to paste, and what else could be used."""
    body = json.dumps({"agent": credentials["agent"], "message": QUESTION})
    curl = [
        f"curl -s {shlex.quote(address.public_url + '/api/v1/chat')}",
        f"-H {shlex.quote('Authorization: Bearer ' + credentials['api_key'])}",
        f"-H 'Content-Type: application/json' -d {shlex.quote(body)}",
    ]
    return (
        f"\n  Demo site      {address.public_url}/\n"
        f"  Staff console  {address.public_url}/console/\n"
        f"         login   {credentials['email']}\n"
        f"      password   {credentials['password']}\n"
        f"  REST           {' '.join(curl)}\n"
        + (f"  {offer}\n" if offer else "")
        + "\nCtrl-C stops everything."
    )


def _run(signals: Signals) -> None:
    path = Path(os.environ.get("DATA_DIR") or ROOT / ".data")
    program = Program(path, Address.read(os.environ), signals)
    try:
        program.start()
        offer = neighbours.ollama(os.environ.get("OLLAMA_URL") or neighbours.OLLAMA)
        say(welcome(program.address, json.loads(program.credentials.read_text()), offer))
        program.watch()
    except Stopped:
        say("\nStopping …")
    finally:
        program.stop()
    say("Stopped.")


def main() -> None:
    """Exit status 0 when asked to stop, 1 when it could not start or go on."""
    signals = Signals()
    signals.install()
    adopt_orphans()
    # `make` passes on SIGTERM alone, so its death by anything else has to be told by the kernel.
    if Path(f"/proc/{os.getppid()}/comm").read_text().strip() == "make":
        die_with_parent(signal.SIGTERM)
    try:
        _run(signals)
    except (CannotStart, CannotGoOn) as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
