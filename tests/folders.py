"""Data folders for tests, and who lives in one."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from chatwithus.embedded.children import BADGE


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """A path that does not exist yet, below one that every user may enter (which pytest's own are not)."""
    path = Path(tempfile.gettempdir()) / f"chat-with-us-{uuid4().hex}"
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def inhabitants(folder: Path) -> list[int]:
    """Processes of that data folder: they wear its badge or work inside it."""
    return [
        int(name) for name in os.listdir("/proc") if name.isdigit() and _lives_in(folder, Path("/proc", name))
    ]


def _lives_in(folder: Path, process: Path) -> bool:
    try:
        if (process / "cwd").resolve().is_relative_to(folder.resolve()):
            return True
        return f"{BADGE}={folder.resolve()}".encode() in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
