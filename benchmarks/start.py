"""How long `make up` takes to be of use, and what it then weighs: `python -m benchmarks.start [--cold]`.

Cold is a first start on a new folder, warm a later one on the same. The installation of packages, which is mostly download,
is measured with --cold alone.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks import harness, usage
from benchmarks.harness import ROOT, Benchmark
from chatwithus.embedded.cluster import free_port
from chatwithus.up import QUESTION
from tests.folders import fresh_folder

LAST_LINE = "Ctrl-C stops everything."
STAGE = re.compile(r"^  (\w+) +(\d+\.\d) s$")
FOREIGN = {"DATABASE_URL", "VECTOR_DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PUBLIC_URL"}
LOOKS, PAUSE = 6, 0.5
WARM, COLD, MEMORY = 10.0, 90.0, 1536.0


class Up:
    """One `python -m chatwithus.up`, ready for its first visitor."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        here = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chatwithus.up"],
            cwd=ROOT,
            env=here | {"PORT": str(self.port), "DATA_DIR": str(folder)},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.stages = dict(self._stages())
        self.seconds = time.monotonic() - began

    def _stages(self) -> Iterator[tuple[str, float]]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if LAST_LINE in line:
                return
            if found := STAGE.match(line.rstrip()):
                yield found[1], float(found[2])
        sys.exit("It ended before it was ready; it says why above.")

    def ask(self) -> None:
        """The demo's question, answered from its help centre."""
        demo = json.loads((self.folder / "demo.json").read_text())
        answer = httpx.post(
            f"http://127.0.0.1:{self.port}/api/v1/chat",
            json={"agent": demo["agent"], "message": QUESTION},
            headers={"Authorization": f"Bearer {demo['api_key']}"},
            timeout=30,
        )
        assert answer.json()["citations"], "the demo did not answer from its knowledge"

    def memory(self) -> dict[str, float]:
        """Summed PSS of all processes and of each child with what is below it, in MiB."""
        rows = json.loads((self.folder / "processes.json").read_text())
        parts = {row["name"]: sum(map(usage.pss, usage.tree(row["pid"]))) for row in rows}
        return {"all": sum(map(usage.pss, usage.tree(self.process.pid))), **parts}


@contextmanager
def started(folder: Path) -> Iterator[Up]:
    up = Up(folder)
    try:
        yield up
    finally:
        up.process.send_signal(signal.SIGTERM)
        up.process.communicate()


def weigh(up: Up, weights: dict[str, list[float]]) -> None:
    """Several looks, as the worker's processes are still settling."""
    for _ in range(LOOKS):
        for part, mib in up.memory().items():
            weights[part].append(mib)
        time.sleep(PAUSE)


def install() -> float:
    """Seconds to bring a new environment to requirements/up.txt, as `make up` does at first."""
    with fresh_folder() as folder:
        began = time.monotonic()
        lock = ROOT / "requirements" / "up.txt"
        subprocess.run([sys.executable, ROOT / "chatwithus/install.py", folder / ".venv", lock], check=True)
        return time.monotonic() - began


def measure(benchmark: Benchmark, *, cold: int, warm: int) -> None:
    starts: dict[str, list[Up]] = {"cold": [], "warm": []}
    weights: dict[str, list[float]] = defaultdict(list)
    for number in range(cold):
        with fresh_folder() as folder:
            with started(folder) as up:
                starts["cold"].append(up)
                up.ask()
                weigh(up, weights)
            for _ in range(warm if number == cold - 1 else 0):
                with started(folder) as up:
                    starts["warm"].append(up)
                    up.ask()
    tell(benchmark, starts, weights)


def tell(benchmark: Benchmark, starts: dict[str, list[Up]], weights: dict[str, list[float]]) -> None:
    for kind, limit in (("cold", COLD), ("warm", WARM)):
        for stage in starts[kind][0].stages:
            benchmark.record(f"{kind}: {stage}", [up.stages[stage] for up in starts[kind]], "s")
        total = benchmark.record(f"{kind} start", [up.seconds for up in starts[kind]], "s")
        benchmark.bound(total, "<=", limit)
    for part, mib in weights.items():
        benchmark.record(f"PSS of {part}", mib, "MiB")
        if part == "all":
            benchmark.bound(benchmark.measures[-1], "<=", MEMORY)


def main() -> int:
    parser = harness.parser(__doc__)
    parser.add_argument(
        "--fresh", type=int, default=2, help="first starts on new folders (default %(default)s)"
    )
    parser.add_argument(
        "--cold", action="store_true", help="install the packages into a new environment as well"
    )
    chosen = parser.parse_args()
    benchmark = Benchmark("start")
    if chosen.cold:
        benchmark.record("install", [install()], "s")
    else:
        benchmark.note("Not measured without --cold: the installation of packages, which is mostly download.")
    measure(benchmark, cold=chosen.fresh, warm=chosen.repeat)
    benchmark.note("`worker` and `web` start side by side while the demo opens, so stages overlap.")
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
