"""`make up` as its user sees it: the supervisor as a process, with the real application below it."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from chatwithus.address import Address
from chatwithus.embedded.folder import CannotStart
from tests.folders import fresh_folder, inhabitants

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120
LAST_LINE = "Ctrl-C stops everything."
SETTINGS = {
    "DATABASE_URL",
    "VECTOR_DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "LOG_LEVEL",
    "DJANGO_SETTINGS_MODULE",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Up:
    """One `python -m chatwithus.up` on its own folder and port, in a process group like a terminal's job."""

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self.folder, self.port = folder, port or free_port()
        here = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chatwithus.up"],
            cwd=ROOT,
            env=here | {"PORT": str(self.port), "DATA_DIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # Where the tests were begun with nohup, it would rightly not hear of the terminal's end.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )
        self._watchdog = threading.Timer(PATIENCE, self.process.kill)
        self._watchdog.start()

    def read(self, until: str) -> str:
        """What it prints up to and with a line."""
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if until in line:
                return "".join(lines)
        raise AssertionError(f"it ended without saying {until!r}:\n{''.join(lines)}")

    def end(self) -> tuple[int, str]:
        """Its exit status and what it still prints."""
        assert self.process.stdout is not None
        rest = self.process.stdout.read()
        status = self.process.wait()
        self._watchdog.cancel()
        return status, rest

    def give_up(self) -> None:
        """Nothing of it is left when a test fails halfway."""
        self.process.kill()
        self.end()
        for pid in inhabitants(self.folder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def children(self) -> dict[str, int]:
        """Process numbers of its children, by name."""
        rows = json.loads((self.folder / "processes.json").read_text())
        return {row["name"]: row["pid"] for row in rows}


def refusal(folder: Path, *, port: int | None = None) -> str:
    """The one sentence of a start that failed."""
    status, said = Up(folder, port=port).end()
    assert status == 1
    assert "Traceback" not in said
    assert said.count("\n") == 1
    return said


def logins(said: str) -> list[str]:
    return re.findall(r"(?:login|password) .*|Bearer \S+", said)


def answer(said: str, **added: str) -> dict[str, str]:
    """Paste the printed curl into a shell; `added` go into its body."""
    line = re.search(r"curl .*", said)
    assert line is not None
    command = shlex.split(line[0])
    command[-1] = json.dumps(json.loads(command[-1]) | added)
    found: dict[str, str] = json.loads(
        subprocess.check_output(command if added else line[0], shell=not added)
    )
    return found


@pytest.fixture(scope="module")
def shared_folder() -> Iterator[Path]:
    with fresh_folder() as path:
        yield path


@pytest.fixture
def folder() -> Iterator[Path]:
    with fresh_folder() as path:
        yield path


@pytest.fixture(scope="module")
def running(shared_folder: Path) -> Iterator[tuple[Up, str]]:
    """A first start, and what it said; the last test that uses it kills it."""
    up = Up(shared_folder)
    yield up, up.read(LAST_LINE)
    up.give_up()


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[[], Up]]:
    """Starts one on `folder` that is gone after the test, however that ends."""
    started: list[Up] = []

    def begin() -> Up:
        started.append(Up(folder))
        return started[-1]

    yield begin
    for up in started:
        up.give_up()


def test_it_says_each_stage_and_the_printed_request_works(running: tuple[Up, str]) -> None:
    up, said = running
    stages = [line.split()[0] for line in said.splitlines()[:6]]
    assert stages == ["services", "migrate", "demo", "worker", "web", "knowledge"]
    assert list(up.children()) == ["postgres", "valkey", "worker", "reader", "web", "indexer"]
    assert "30 days" in answer(said)["response"]


def test_a_second_start_on_its_folder_or_its_port_is_refused(running: tuple[Up, str], folder: Path) -> None:
    up, _ = running
    assert "already runs on" in refusal(up.folder)
    assert f"port {up.port}" in refusal(folder, port=up.port)
    assert (up.folder / "run.json").exists()


def test_the_death_of_one_child_ends_its_program_and_no_other(
    running: tuple[Up, str], start: Callable[[], Up], folder: Path
) -> None:
    doomed = start()
    doomed.read(LAST_LINE)
    os.kill(doomed.children()["worker"], signal.SIGKILL)
    status, last_words = doomed.end()
    assert status == 1
    assert "worker was killed by SIGKILL, so everything stops; the end of" in last_words
    assert "celery." in last_words
    assert inhabitants(folder) == []
    assert answer(running[1])["response"]


def test_a_killed_supervisor_loses_nothing_and_leaves_nothing(running: tuple[Up, str]) -> None:
    first, said = running
    asked = answer(said)
    before = inhabitants(first.folder)
    first.process.kill()
    first.end()

    second = Up(first.folder, port=first.port)
    try:
        again = second.read(LAST_LINE)
        assert not set(before) & set(inhabitants(first.folder))
        assert logins(again) == logins(said)
        assert answer(again, session_id=asked["session_id"])["session_id"] == asked["session_id"]
        os.killpg(second.process.pid, signal.SIGINT)  # as a terminal's Ctrl-C does
        status, rest = second.end()
    finally:
        second.give_up()
    assert (status, rest.split()[-1]) == (0, "Stopped.")
    assert inhabitants(first.folder) == []
    assert not (first.folder / "run.json").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_group_in_the_middle_of_the_start_leaves_nothing(
    start: Callable[[], Up], folder: Path, number: signal.Signals
) -> None:
    up = start()
    up.read("services")
    os.killpg(up.process.pid, number)
    status, rest = up.end()
    assert (status, rest.split()[-1]) == (0, "Stopped.")
    assert inhabitants(folder) == []


def test_an_ignored_interrupt_is_heard_all_the_same(start: Callable[[], Up], folder: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        up = start()
    finally:
        signal.signal(signal.SIGINT, before)
    up.read("services")
    up.process.send_signal(signal.SIGINT)
    assert up.end()[0] == 0
    assert inhabitants(folder) == []


def test_a_folder_of_somebody_else_is_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    assert "choose an empty or new folder with DATA_DIR" in refusal(folder)


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(CannotStart, match="PORT must be a number from 1 to 65535"):
        Address.read({"PORT": port})


def test_too_old_a_python_is_told_so_by_make(folder: Path) -> None:
    folder.mkdir()
    old = folder / "python3"
    version = "import sys; sys.version_info = (3, 9, 2); sys.version = '3.9.2'; sys.argv = sys.argv[1:]"
    run = "import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    old.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c "{version}; {run}" "$@"\n')
    old.chmod(0o755)
    made = subprocess.run(["make", "up", f"PYTHON={old}"], cwd=ROOT, capture_output=True, text=True)
    assert made.returncode != 0
    assert made.stderr.splitlines()[0].startswith("Chat With Us needs Python 3.11 or newer")
