"""The data folder: whether it is ours, who holds it now, and the secrets it keeps."""

import fcntl
import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

MARK = ".chat-with-us"
LAYOUT = "1\n"
SECRETS = ("superuser", "owner", "app", "valkey", "secret_key")


class CannotStart(Exception):
    """A start that failed for a reason a person can act on: one sentence with what to do."""


def write_json(path: Path, value: Any) -> None:
    """Replace `path` in one step; only its owner may read it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as file:
        json.dump(value, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


class DataFolder:
    """A folder that one running program holds by a lock which the kernel drops with the program."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.logs = self.path / "logs"
        self._lock: int | None = None

    def open(self, *, patience: float = 20) -> None:
        """Create or recognise the folder and take it; waits for a holder only when that one is stopping."""
        try:
            self._claim()
            self._take(patience)
            self.logs.mkdir(exist_ok=True)
        except OSError as error:
            self.close()
            raise CannotStart(
                f"Cannot write to the data folder {self.path} ({error.strerror}): make room and give yourself"
                " the right to write there, or choose another folder with DATA_DIR."
            ) from error

    def _claim(self) -> None:
        if not self.path.exists():
            # Postgres may run as another user below this folder, so root lets others pass through.
            self.path.mkdir(parents=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        if not self.path.is_dir():
            raise CannotStart(f"{self.path} is not a folder: choose another one with DATA_DIR.")
        mark = self.path / MARK
        if mark.exists() and mark.read_text() in (LAYOUT, ""):
            pass
        elif mark.exists():
            raise CannotStart(
                f"The data folder {self.path} was made by another version of Chat With Us:"
                " start it with that version, or choose another folder with DATA_DIR."
            )
        elif any(self.path.iterdir()):
            raise CannotStart(
                f"{self.path} holds files that Chat With Us did not make:"
                " choose an empty or new folder with DATA_DIR."
            )
        mark.write_text(LAYOUT)

    def _take(self, patience: float) -> None:
        self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + patience
        while not self._locked():
            if not self._holder().endswith("stopping") or time.monotonic() > deadline:
                self.close()
                number = self._holder().split(" ")[0] or "unknown"
                raise CannotStart(
                    f"Chat With Us already runs on {self.path} (process {number}):"
                    " stop it first, or give this one its own DATA_DIR and PORT."
                )
            time.sleep(0.1)
        self.say("running")

    def _locked(self) -> bool:
        assert self._lock is not None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _holder(self) -> str:
        return (self.path / "lock").read_text()

    @property
    def is_held(self) -> bool:
        """Whether this program has taken the folder."""
        return self._lock is not None

    def say(self, state: str) -> None:
        """Tell a second program what the holder does: `running` or `stopping`."""
        if self._lock is not None:
            text = f"{os.getpid()} {state}".encode()
            os.pwrite(self._lock, text, 0)
            os.ftruncate(self._lock, len(text))

    def close(self) -> None:
        """Let go of the folder; the lock file stays so that nobody locks an unlinked one."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def secrets(self) -> dict[str, str]:
        """Passwords and the signing key of this folder, drawn once and kept."""
        path = self.path / "secrets.json"
        try:
            kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        except ValueError as error:
            raise CannotStart(
                f"{path} is damaged and holds the only passwords:"
                f" restore it from a copy, or move {self.path} away to begin anew."
            ) from error
        missing = [name for name in SECRETS if name not in kept]
        if missing:
            kept |= {name: secrets.token_urlsafe(48 if name == "secret_key" else 24) for name in missing}
            write_json(path, kept)
        return kept
