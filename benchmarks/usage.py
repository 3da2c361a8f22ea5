"""What processes use, read from /proc: for those of our own user, or as root."""

import os
from collections import defaultdict
from pathlib import Path

MIB = 1024 * 1024
_TICKS = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """A process with everything below it."""
    below: dict[int, list[int]] = defaultdict(list)
    for name in filter(str.isdigit, os.listdir("/proc")):
        if fields := _stat(int(name)):
            below[int(fields[1])].append(int(name))
    found = [root]
    for pid in found:
        found.extend(below[pid])
    return found


def pss(pid: int) -> float:
    """Proportional set size in MiB: pages shared by n processes count 1/n, so that sums are true."""
    return _kilobytes(pid, "smaps_rollup", "Pss:") / 1024


def rss(pid: int) -> float:
    """Resident set size in MiB."""
    return _kilobytes(pid, "status", "VmRSS:") / 1024


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads so far."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def _kilobytes(pid: int, file: str, name: str) -> int:
    """0 for a process that has ended meanwhile."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third, the state, on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
