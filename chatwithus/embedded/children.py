"""The children of the program, on record with their start times.

The next start reads the record and stops what a `kill -9` left, but no stranger with a recycled number.
"""

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from chatwithus.embedded.folder import CannotStart, DataFolder, write_json
from chatwithus.embedded.processes import Child, Pause, Trace, User, kill, members, trace

BADGE = "CHAT_WITH_US_DATA"


class Row(TypedDict):
    """A child on record; `started` is its start time in clock ticks since that boot."""

    name: str
    pid: int
    started: int
    boot: str
    farewells: list[int]


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Children:
    """Starts, watches and stops; `pause` is how it waits, so that a signal may interrupt it."""

    def __init__(self, folder: DataFolder, *, pause: Pause = time.sleep) -> None:
        self.pause = pause
        self.hurried: Callable[[], bool] = lambda: False
        self.running: list[Child] = []
        self._logs = folder.logs
        self._record = folder.path / "processes.json"
        self._badge = str(folder.path)

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        user: User | None = None,
        folder: Path = Path("/"),
        farewells: Sequence[signal.Signals] = (signal.SIGTERM,),
        stdin: bytes = b"",
    ) -> Child:
        """Start a child that writes to logs/NAME.log and put it on record."""
        child = Child(
            name,
            command,
            log=self._logs / f"{name}.log",
            environment={**environment, BADGE: self._badge},
            user=user,
            folder=folder,
            farewells=farewells,
            stdin=stdin,
        )
        self.running.append(child)
        self._write()
        return child

    def run(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        user: User | None = None,
        folder: Path = Path("/"),
    ) -> tuple[int, Child]:
        """Run a command to its end; returns its exit status and the child for its log."""
        child = self.start(name, command, environment=environment, user=user, folder=folder)
        try:
            while not child.has_ended():
                self.pause(0.01)
        finally:
            self.stop(child, patience=5)
        return child.process.returncode, child

    def stop(self, child: Child, *, patience: float) -> None:
        """Stop a child and strike it off the record."""
        child.stop(patience=patience, hurried=self.hurried)
        if child in self.running:
            self.running.remove(child)
            self._write()

    def wait_for(self, child: Child, is_ready: Callable[[], bool], *, patience: float, remedy: str) -> None:
        """Wait until a child is ready; if it ends or takes too long, the start fails with its complaint."""
        deadline = time.monotonic() + patience
        while not is_ready():
            if child.has_ended() or time.monotonic() > deadline:
                what = (
                    "ended while starting" if child.has_ended() else f"was not ready after {patience:.0f} s"
                )
                raise CannotStart(f"{child.name} {what} ({child.complaint()}): {remedy}")
            self.pause(0.01)

    def stop_leftovers(self, *, patience: float = 15) -> list[str]:
        """End what an earlier program left, last started first; returns the names that were still there."""
        names = [row["name"] for row in reversed(self._recorded()) if self._end(row, patience)]
        self._write()
        return names

    def _end(self, row: Row, patience: float) -> bool:
        if not self._left(row):
            return False
        for farewell in row["farewells"]:
            deadline = time.monotonic() + patience
            for leader in self._leader(row):
                kill(leader.pid, farewell)
            while self._leader(row) and time.monotonic() < deadline:
                self.pause(0.02)
        while left := self._left(row):
            for member in left:
                kill(member.pid, signal.SIGKILL)
            self.pause(0.02)
        return True

    def _left(self, row: Row) -> list[Trace]:
        """What lives in its session: ours by the leader's start time, or by our badge where it has gone."""
        leader, session = trace(row["pid"]), members(row["pid"])
        if leader is None:
            return [member for member in session if self._wears_badge(member.pid)]
        return list(session) if leader.started == row["started"] else []

    def _leader(self, row: Row) -> list[Trace]:
        return [member for member in self._left(row) if member.pid == row["pid"]]

    def _wears_badge(self, pid: int) -> bool:
        try:
            return f"{BADGE}={self._badge}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return False

    def _recorded(self) -> list[Row]:
        try:
            rows: list[Row] = json.loads(self._record.read_text())
            return [row for row in rows if row["boot"] == _boot()]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def _write(self) -> None:
        write_json(self._record, list(self._rows()))

    def _rows(self) -> Iterator[Row]:
        for child in self.running:
            found = trace(child.pid)
            if found is not None:
                yield {
                    "name": child.name,
                    "pid": child.pid,
                    "started": found.started,
                    "boot": _boot(),
                    "farewells": [int(number) for number in child.farewells],
                }
