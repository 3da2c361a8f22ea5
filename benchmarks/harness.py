"""The common ground of the benchmarks: measures with their spread, bounds, a table, a JSON file and one last line."""

import argparse
import json
import operator
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from chatwithus.embedded.folder import LAYOUT, MARK

ROOT = Path(__file__).resolve().parent.parent
# A load test comes from one address, and asks more than anybody else does.
NARROW = "login hello-ip message-visitor message-ip message-agent message-tenant request-key request-visitor connections-ip connections-visitor connections-tenant connections-person connections-key"
UNLIMITED = {"LIMITS": " ".join(f"{name}=off" for name in NARROW.split()), "DAILY_TOKENS": "0"}
HOLDS = {"<=": operator.le, ">=": operator.ge}
BROKEN = {"<=": ">", ">=": "<"}


@dataclass(frozen=True, slots=True)
class Measure:
    """What was measured once or several times; its median counts, its least and greatest show the noise."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@dataclass(frozen=True, slots=True)
class Bound:
    """What was promised: `measured` must stand to `limit` as `comparison` says."""

    name: str
    measured: float
    comparison: Literal["<=", ">="]
    limit: float
    unit: str

    @property
    def is_met(self) -> bool:
        return bool(HOLDS[self.comparison](self.measured, self.limit))

    @property
    def miss(self) -> str:
        return (
            f"{self.name} {self.measured:.4g} {BROKEN[self.comparison]} {self.limit:g} {self.unit}".rstrip()
        )


@dataclass
class Benchmark:
    """One run; `finish` prints and keeps it, and gives the exit status."""

    name: str
    measures: list[Measure] = field(default_factory=list)
    bounds: list[Bound] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    machine: str = field(default_factory=lambda: _machine())
    kept_in: Path = field(default_factory=lambda: folder())  # before anything else sets DATA_DIR

    def record(self, name: str, values: Sequence[float], unit: str = "") -> Measure:
        self.measures.append(Measure(name, unit, tuple(values)))
        return self.measures[-1]

    def bound(self, measure: Measure, comparison: Literal["<=", ">="], limit: float) -> None:
        self.bounds.append(Bound(measure.name, measure.median, comparison, limit, measure.unit))

    def note(self, sentence: str) -> None:
        """What was not measured, or what to know about what was."""
        self.notes.append(sentence)

    def finish(self) -> int:
        """The exit status is 1 when a bound was missed, so that a pipeline notices."""
        print(f"\n{self.name} on {self.machine}")
        for line in self._table():
            print(line)
        print(f"kept in {self._keep()}")
        misses = [bound.miss for bound in self.bounds if not bound.is_met]
        met = f"{len(self.bounds) - len(misses)} of {len(self.bounds)} bounds met"
        print("; ".join([f"{self.name}: {met}", *misses]), flush=True)
        return 1 if misses else 0

    def _table(self) -> list[str]:
        bounds = {bound.name: f"{bound.comparison} {bound.limit:g}" for bound in self.bounds}
        width = max((len(measure.name) for measure in self.measures), default=0)
        rows = [f"{'':{width}}  {'median':>10} {'from':>10} {'to':>10}  {'n':>2}  {'unit':<8} bound"]
        for one in self.measures:
            figures = " ".join(f"{value:>10.4g}" for value in (one.median, min(one.values), max(one.values)))
            rows.append(
                f"{one.name:{width}}  {figures}  {len(one.values):>2}  {one.unit:<8} {bounds.get(one.name, '')}".rstrip()
            )
        return rows + self.notes

    def _keep(self) -> Path:
        path = self.kept_in / f"{self.name}.json"
        told = {
            "name": self.name,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": self.machine,
            "measures": [{**asdict(one), "median": one.median} for one in self.measures],
            "bounds": [{**asdict(one), "is_met": one.is_met} for one in self.bounds],
            "notes": self.notes,
        }
        path.write_text(json.dumps(told, indent=1) + "\n")
        return path


def parser(description: str | None, *, repeat: int = 5) -> argparse.ArgumentParser:
    """The arguments of every benchmark: `make bench-NAME` may always say where data is."""
    found = argparse.ArgumentParser(description=description)
    found.add_argument("--data", type=Path, help="folder with data, for benchmarks that need some")
    found.add_argument(
        "--repeat", type=int, default=repeat, help="how often to measure (default %(default)s)"
    )
    return found


def _machine() -> str:
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}, load {load}"


def folder() -> Path:
    """`benchmarks/` of the data folder, which is marked as ours lest a later `make up` takes it for a stranger's."""
    data = Path(os.environ.get("DATA_DIR") or ROOT / ".data")
    if not data.exists():
        data.mkdir(parents=True, mode=0o711)
        (data / MARK).write_text(LAYOUT)
    folder = data / "benchmarks"
    folder.mkdir(exist_ok=True)
    return folder
