"""How long the house's own checks and tests take: `python -m benchmarks.house [--checks-only]`.

The checks run once more than is counted, since only their caches make them fast.
"""

import subprocess
import sys
import time

from benchmarks import harness
from benchmarks.harness import ROOT, Benchmark

CHECK, TEST = 60.0, 360.0


def seconds(target: str) -> float:
    """Of `make TARGET`, which must succeed to count."""
    print(f"  make {target} …", flush=True)
    began = time.monotonic()
    ended = subprocess.run(
        ["make", target], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if ended.returncode != 0:
        sys.exit(
            f"make {target} failed, so its time says nothing; the end of what it said:\n{ended.stdout[-2000:]}"
        )
    return time.monotonic() - began


def main() -> int:
    parser = harness.parser(__doc__, repeat=3)
    parser.add_argument(
        "--checks-only", action="store_true", help="leave out the tests, which run once otherwise"
    )
    chosen = parser.parse_args()
    benchmark = Benchmark("house")
    first, *warm = [seconds("check") for _ in range(chosen.repeat + 1)]
    benchmark.record("make check, the first time", [first], "s")
    benchmark.bound(benchmark.record("make check, warm", warm, "s"), "<=", CHECK)
    if chosen.checks_only:
        benchmark.note("Not measured because of --checks-only: make test.")
    else:
        benchmark.bound(benchmark.record("make test", [seconds("test")], "s"), "<=", TEST)
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
