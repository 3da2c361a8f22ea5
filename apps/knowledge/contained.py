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
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing import process
from multiprocessing.connection import Connection
from pathlib import Path
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
LOWEST = 19  # nice
LONGER = 10  # times PARSE_SECONDS
LATE = 10  # more seconds for one that does not compute but waits, which no bound on its processor ends
LOOK = 1.0  # seconds between two beats
_starting = threading.Lock()


class Died(Exception):
    """The child ended without a word: it crashed, or somebody killed it. Another attempt may go well."""


def run(task: str, *arguments: Any, beat: Callable[[], object] = lambda: None) -> Any:
    """What this function of `reading` answers. Raises Unreadable with what it says, or for what took too much; Died; and what `beat`
    does, which is called each second meanwhile and may so end the child."""
    parser = Parser(task, *arguments)
    try:
        while not parser.is_done(within=LOOK):
            beat()
        return parser.answer()
    finally:
        parser.end()


class Parser:
    """A child at work. Whoever has it takes its answer, or ends it."""

    def __init__(self, task: str, *arguments: Any) -> None:
        _leave_the_pool()
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["apps.knowledge.warm"])
        self._ours, theirs = context.Pipe(duplex=False)
        bounds = settings.PARSE_MEMORY_MB * MB, settings.PARSE_SECONDS
        self._child = context.Process(target=_work, args=(theirs, bounds, task, arguments), daemon=True)
        with _starting, _without_main():  # two threads that start the server at once would start two
            self._child.start()
        self._pid = self._child.pid or 0
        theirs.close()
        self._word(within=STARTING)  # its time runs from then on, whatever the server's imports took
        self._begun = time.monotonic()
        self._until = self._begun + settings.PARSE_SECONDS + LATE

    @property
    def is_late(self) -> bool:
        return not self._left()

    def is_done(self, *, within: float) -> bool:
        """Whether `answer` would not wait, after so many seconds at most."""
        return self._ours.poll(min(within, self._left())) or self.is_late

    def stand_back(self) -> None:
        """Go on with what everybody else leaves of the processor, and so for longer."""
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, self._pid, LOWEST)
        self._until = self._begun + LONGER * settings.PARSE_SECONDS

    def answer(self) -> Any:
        """When it is there; the child has ended then. Raises Unreadable, Died."""
        word = self._word(within=self._left())
        self.end()
        told = orjson.loads(word)
        if "unreadable" in told:
            raise Unreadable(str(told["unreadable"]))
        return told["found"]

    def end(self) -> None:
        """Once more does nothing."""
        if self._ours.closed:
            return
        self._ours.close()
        self._child.kill()
        self._child.join()
        self._child.close()

    def _left(self) -> float:
        return max(0.0, self._until - time.monotonic())

    def _word(self, *, within: float) -> bytes:
        """Where it has none, the child has ended when this raises Unreadable or Died."""
        try:
            if self._ours.poll(within):
                return self._ours.recv_bytes(LARGEST_ANSWER)
            logger.warning("Parser %d was ended: it had not answered in time", self._pid)
            failure: Exception = Unreadable(SLOW)
        except (EOFError, ConnectionError):
            self._child.join()
            failure = _ended(self._child.exitcode or 0)
        except OSError:  # how a pipe says that what comes is longer than asked for
            failure = Unreadable(WORDY)
        self.end()
        raise failure


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
