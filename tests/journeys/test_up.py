"""`make up` as its user sees it: the supervisor as a process of its own, with the real application below it."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.folders import fresh_folder, inhabitants

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120
LAST_LINE = "Ctrl-C stops everything."
VARIABLES = {
    "DATABASE_URL",
    "VECTOR_DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "DJANGO_SETTINGS_MODULE",
    "LOG_LEVEL",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Up:
    """One `python -m chatwithus.up` on its own folder and port, leader of a process group like a terminal's job."""

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self.folder, self.port = folder, port or free_port()
        here = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chatwithus.up"],
            cwd=ROOT,
            env=here | {"PORT": str(self.port), "DATA_DIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
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
        rest, _ = self.process.communicate()
        self._watchdog.cancel()
        return self.process.returncode, rest

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


@pytest.fixture
def folder() -> Iterator[Path]:
    with fresh_folder() as path:
        yield path


@pytest.fixture
def another_folder() -> Iterator[Path]:
    with fresh_folder() as path:
        yield path


def test_a_killed_supervisor_loses_nothing_and_leaves_nothing(folder: Path, another_folder: Path) -> None:
    first = Up(folder)
    said = first.read(LAST_LINE)
    assert [line.split()[0] for line in said.splitlines()[:5]] == [
        "services",
        "migrate",
        "demo",
        "worker",
        "web",
    ]
    assert list(first.children()) == ["postgres", "valkey", "worker", "web"]
    asked = answer(said)
    assert "30 days" in asked["response"]

    assert "already runs on" in refusal(folder)
    assert f"port {first.port}" in refusal(another_folder, port=first.port)
    assert not another_folder.exists()

    before = inhabitants(folder)
    first.process.kill()
    first.end()
    second = Up(folder, port=first.port)
    again = second.read(LAST_LINE)
    assert not set(before) & set(inhabitants(folder))
    assert re.findall(r"login .*|Bearer \S+", again) == re.findall(r"login .*|Bearer \S+", said)
    assert answer(again, session_id=asked["session_id"])["session_id"] == asked["session_id"]

    second.process.send_signal(signal.SIGINT)
    status, rest = second.end()
    assert (status, rest.split()[-1]) == (0, "Stopped.")
    assert inhabitants(folder) == []
    assert not (folder / "run.json").exists()


def test_two_run_side_by_side_and_one_falls_alone(folder: Path, another_folder: Path) -> None:
    doomed, other = Up(folder), Up(another_folder)
    doomed.read(LAST_LINE)
    said = other.read(LAST_LINE)

    os.kill(doomed.children()["worker"], signal.SIGKILL)
    status, last_words = doomed.end()
    assert status == 1
    assert "worker was killed by SIGKILL, so everything stops; its last lines" in last_words
    assert " ready." in last_words
    assert inhabitants(folder) == []

    assert answer(said)["response"]
    os.killpg(other.process.pid, signal.SIGTERM)
    status, rest = other.end()
    assert (status, rest.split()[-1]) == (0, "Stopped.")
    assert inhabitants(another_folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_of_the_start_leaves_nothing(folder: Path, number: signal.Signals) -> None:
    up = Up(folder)
    up.read("services")
    up.process.send_signal(number)
    status, rest = up.end()
    assert (status, rest.split()[-1]) == (0, "Stopped.")
    assert inhabitants(folder) == []


def test_an_ignored_interrupt_is_heard_all_the_same(folder: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        up = Up(folder)
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


def test_a_port_that_is_no_number_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.free_port", lambda: "http")
    assert "PORT must be a number" in refusal(folder)


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
