"""One child process: leader of its own session, signalled by the kernel when we die."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LOG_LIMIT = 8 * 1024 * 1024

Pause = Callable[[float], None]
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class User:
    """Whom a child runs as when we are root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Trace:
    """What /proc/PID/stat tells about a process; `started` is in clock ticks since boot."""

    pid: int
    state: str
    session: int
    started: int


def trace(pid: int) -> Trace | None:
    """The process as it is now, or None when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return Trace(pid, fields[0].decode(), int(fields[3]), int(fields[19]))


def members(session: int, *, dead_too: bool = False) -> Iterator[Trace]:
    """Processes of a session, its leader included."""
    for name in os.listdir("/proc"):
        found = trace(int(name)) if name.isdigit() else None
        if found and found.session == session and (dead_too or found.state not in "ZX"):
            yield found


def die_with_parent(farewell: signal.Signals) -> None:
    """Ask the kernel to signal this process when the thread that started it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, int(farewell), 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of what our children leave, so that `Child.finish` can wait for its end."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill(pid: int, number: int) -> None:
    """Signal a process that may have ended meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class Child:
    """A running child with its log; start it from the main thread, which must live as long as the child."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str],
        user: User | None = None,
        folder: Path = Path("/"),
        farewells: Sequence[signal.Signals] = (signal.SIGTERM,),
        stdin: bytes = b"",
    ) -> None:
        self.name, self.log, self.farewells = name, log, tuple(farewells)
        parent = os.getpid()

        def follow() -> None:
            # After the change of user, which would clear it; before exec, which keeps it.
            die_with_parent(self.farewells[0])
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            if os.getppid() != parent:
                os._exit(1)

        log.write_bytes(b"")
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=dict(environment),
                start_new_session=True,
                preexec_fn=follow,
                user=user.uid if user else None,
                group=user.gid if user else None,
                extra_groups=[] if user else None,
            )
        self._feed(stdin)

    def _feed(self, stdin: bytes) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError), self.process.stdin as pipe:
            pipe.write(stdin)

    @property
    def pid(self) -> int:
        return self.process.pid

    def has_ended(self) -> bool:
        """Whether it ended; leaves it unreaped, so that its number stays taken until `finish`."""
        if self.process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None

    def finish(self) -> int:
        """End and reap it with whatever is left in its session; returns its exit status."""
        if self.process.returncode is None:
            left = [member.pid for member in members(self.pid, dead_too=True)]
            for pid in left:
                kill(pid, signal.SIGKILL)
            self.process.wait()
            for pid in left:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)
        return self.process.returncode

    def stop(self, *, patience: float, hurried: Callable[[], bool] = lambda: False) -> None:
        """Say each farewell and wait for patience to end or somebody to hurry; then end the whole session."""
        for farewell in self.farewells:
            deadline = time.monotonic() + patience
            if not self.has_ended():
                kill(self.pid, farewell)
            while not self.has_ended() and time.monotonic() < deadline and not hurried():
                time.sleep(0.01)
        self.finish()

    def last_lines(self, count: int = 15) -> list[str]:
        """The end of its log."""
        with open(self.log, "rb") as file:
            file.seek(max(0, self.log.stat().st_size - 16384))
            return file.read().decode(errors="replace").splitlines()[-count:]

    def complaint(self) -> str:
        """The line of its log that says best what went wrong."""
        lines = [line.strip() for line in self.last_lines(40) if line.strip()]
        grave = [
            line for line in lines if any(word in line for word in ("FATAL", "PANIC", "error:", "Error"))
        ]
        return (grave or lines or ["it said nothing"])[-1]

    def trim(self, limit: int = LOG_LIMIT) -> None:
        """Keep the log below its limit by dropping all but its last eighth."""
        if self.log.stat().st_size > limit:
            with open(self.log, "rb+") as file:
                file.seek(-limit // 8, os.SEEK_END)
                tail = file.read()
                file.truncate(0)
            with open(self.log, "ab") as file:
                file.write(tail)
