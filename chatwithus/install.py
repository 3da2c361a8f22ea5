"""Bring .venv to one lock file: `python3 chatwithus/install.py .venv requirements/up.txt`.

Run by path with whatever Python the machine has, hence old syntax and the standard library alone.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        f"Chat With Us needs Python 3.11 or newer and {sys.executable} is {sys.version.split()[0]}:"
        " install one and name it, for instance PYTHON=python3.12 make up"
    )

import fcntl
import hashlib
import shutil
import subprocess
import time
from pathlib import Path


def fail(sentence: str) -> None:
    """End with one sentence for a person."""
    sys.exit(sentence)


class Environment:
    """A virtual environment with one stamp per lock; a stamp is written last, a marker while work goes on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        self._unfinished = folder / "unfinished"

    def bring_to(self, lock: Path) -> None:
        """Do nothing when the stamp is current; else install, from scratch after an interrupted attempt."""
        if self._is_sound() and self._stamp(lock) == _digest(lock):
            return
        if self._unfinished.exists() or not self._is_sound():
            self._create()
        self._unfinished.touch()
        self._install(lock)
        self._note(lock)
        self._unfinished.unlink()

    def _is_sound(self) -> bool:
        if self._unfinished.exists() or not self.python.exists():
            return False
        return subprocess.call([str(self.python), "-c", ""]) == 0

    def _create(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        made = subprocess.run(
            [sys.executable, "-m", "venv", str(self.folder)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if made.returncode != 0:
            fail(
                f"{sys.executable} cannot make the virtual environment {self.folder}: install its venv module"
                " (on Debian: apt-get install python3-venv) and see that the disk is writable."
            )

    def _install(self, lock: Path) -> None:
        count = sum(line[:1].isalnum() for line in lock.read_text().splitlines())
        print(f"  Installing {count} packages into {self.folder}, once …", flush=True)
        began = time.monotonic()
        pip = [str(self.python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input"]
        if subprocess.call([*pip, "--no-deps", "--require-hashes", "--requirement", str(lock)]) != 0:
            fail(
                f"The packages of {lock} could not be installed (pip says why above):"
                " see to the cause, for instance the network or the disk, and run the same command again."
            )
        print(f"  {'install':<10}{time.monotonic() - began:5.1f} s", flush=True)

    def _stamp(self, lock: Path) -> str:
        path = self._stamp_path(lock)
        return path.read_text() if path.exists() else ""

    def _stamp_path(self, lock: Path) -> Path:
        return self.folder / f"installed-{lock.stem}"

    def _note(self, lock: Path) -> None:
        """dev.txt holds all versions of the others, so it stamps these as well."""
        covered = lock.parent.glob("*.txt") if lock.stem == "dev" else [lock]
        for path in covered:
            self._stamp_path(path).write_text(_digest(path))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """One installation at a time; a second caller waits for the first."""
    folder, lock = Path(sys.argv[1]), Path(sys.argv[2])
    with open(lock) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        Environment(folder).bring_to(lock)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Interrupted; the same command again starts the installation afresh.")
    except OSError as error:
        fail(f"Cannot install ({error}): see to the cause and run the same command again.")
