"""A process of the benchmarks' own that listens on a port."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from socket import create_connection

from benchmarks.harness import ROOT

PATIENCE = 20.0


@contextmanager
def listening(arguments: Sequence[str], port: int) -> Iterator[int]:
    """Its pid, from when `port` can be reached; Python is asked to run `arguments`, and is killed at the end."""
    command = [sys.executable, *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(process, port)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"{' '.join(process.args)} did not come up.")  # type: ignore[arg-type]
