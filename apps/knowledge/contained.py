"""Parsers of strangers' files, each in a process of its own: what eats memory, hangs or crashes there costs that one file.

A server process imports the parsers once and is forked for each file. The child bounds its own memory, time and files before
it reads a byte, and answers in JSON, so that not even a parser that was taken over can hand its parent more than data."""

import logging
import multiprocessing
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import process
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from types import ModuleType
from typing import Any

import orjson
from django.conf import settings

from apps.knowledge.sniff import Unreadable

logger = logging.getLogger(__name__)
LARGEST_ANSWER = 128 * 1024 * 1024
LARGEST_FILE = 64 * 1024 * 1024
MB = 1024 * 1024
SLOW = "It takes too long to read. Split it into smaller documents."
GREEDY = "It needs too much memory to be read. Split it into smaller documents."
WORDY = "It holds more text than can be kept. Split it into smaller documents."
STARTING = 120  # seconds that the server may take for its imports, the first time
LATE = 10  # more seconds for one that does not compute but waits, which no bound on its processor ends
LOOK = 1.0  # seconds between two beats
_starting = threading.Lock()


class Died(Exception):
    """The child ended without a word: it crashed, or somebody killed it. Another attempt may go well."""


def run(task: str, *arguments: Any, beat: Callable[[], object] = lambda: None) -> Any:
    """What this function of `reading` answers. Raises Unreadable with what it says, or for what took too much; Died; and what `beat`
    does, which is called each second meanwhile and may so end the child."""
    _leave_the_pool()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["apps.knowledge.warm"])
    ours, theirs = context.Pipe(duplex=False)
    bounds = settings.PARSE_MEMORY_MB * MB, settings.PARSE_SECONDS
    child = context.Process(target=_work, args=(theirs, bounds, task, arguments), daemon=True)
    with _starting, _without_main():  # two threads that start the server at once would start two
        child.start()
    theirs.close()
    try:
        return _answer(ours, child.pid or 0, beat)
    except EOFError:
        child.join()
        raise _ended(child.exitcode or 0) from None
    finally:
        ours.close()
        child.kill()
        child.join()
        child.close()


class _Own(process.BaseProcess):
    """What multiprocessing takes for the process that it runs in."""

    def __init__(self) -> None:
        self._identity, self._name, self._parent_pid, self._popen, self._closed = (), "own", None, None, False
        self._config = {"authkey": process.AuthenticationString(os.urandom(32)), "semprefix": "/mp"}  # type: ignore[attr-defined]


@contextmanager
def _without_main() -> Iterator[None]:
    """The child is not to run the parent's program again: a script without a guard would start a second worker there."""
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _leave_the_pool() -> None:
    """Celery's pool gives its processes an identity of its own that may have no children, lest they outlive it. Ours end with
    their server, which ends with us."""
    seam: Any = process
    if not isinstance(multiprocessing.current_process(), process.BaseProcess):
        seam._current_process = _Own()


def _answer(connection: "Connection[Any, Any]", pid: int, beat: Callable[[], object]) -> Any:
    """After a first word that says that it begins: from then on its time runs, whatever the server's imports took."""
    _word(connection, pid, beat, within=STARTING)
    told = orjson.loads(_word(connection, pid, beat, within=settings.PARSE_SECONDS + LATE))
    if "unreadable" in told:
        raise Unreadable(str(told["unreadable"]))
    return told["found"]


def _word(connection: "Connection[Any, Any]", pid: int, beat: Callable[[], object], *, within: int) -> bytes:
    until = monotonic() + within
    while not connection.poll(min(LOOK, max(0.0, until - monotonic()))):
        if monotonic() >= until:
            logger.warning("Parser %d was ended: it had not answered in time", pid)
            raise Unreadable(SLOW)
        beat()
    try:
        return connection.recv_bytes(LARGEST_ANSWER)
    except ConnectionError as error:
        raise EOFError from error
    except OSError as error:  # how a pipe says that what comes is longer than asked for
        raise Unreadable(WORDY) from error


def _ended(status: int) -> Exception:
    if status == -signal.SIGXCPU:
        return Unreadable(SLOW)
    logger.warning("A parser died with status %d", status)
    return Died(f"status {status}")


def _work(
    connection: "Connection[Any, Any]", bounds: tuple[int, int], task: str, arguments: tuple[Any, ...]
) -> None:
    """In the child."""
    connection.send_bytes(b"begun")
    try:
        _bound(*bounds)
        found = {"found": getattr(import_module("apps.knowledge.reading"), task)(*arguments)}
        told = orjson.dumps(found)
    except Unreadable as error:
        told = orjson.dumps({"unreadable": error.reason})
    except MemoryError:
        told = orjson.dumps({"unreadable": GREEDY})
    connection.send_bytes(told)


def _bound(memory: int, seconds: int) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    for kind, most, hardly in (
        (resource.RLIMIT_AS, used + memory, 0),
        (resource.RLIMIT_CPU, seconds, 5),  # at the first a signal that tells why, at the second death
        (resource.RLIMIT_FSIZE, LARGEST_FILE, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(kind, (most, most + hardly))
