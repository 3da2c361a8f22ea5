"""Attempts to reach what is not public through the guarded way out: `python -m benchmarks.ssrf`.

They are generated, the same ones each time, and made in a network namespace with public addresses, a name server and canaries;
a witness on the wire counts the packets that went anywhere else.
"""

import sys

from benchmarks import harness
from benchmarks.harness import Benchmark
from tests import internet

ATTEMPTS, REBINDINGS = 5_000, 1_000


def main() -> int:
    harness.parser(__doc__).parse_args()
    benchmark = Benchmark("ssrf")
    attempts = internet.play("tests.knowledge.scenes:attempts", str(ATTEMPTS), patience=900)
    benchmark.record("attempts", [sum(attempts["said"].values())])
    benchmark.bound(benchmark.record("packets to what is not public", [attempts["packets"]]), "<=", 0)
    benchmark.bound(benchmark.record("canaries that answered", [attempts["reached"]]), "<=", 0)
    rebinding = internet.play("tests.knowledge.scenes:rebinding", str(REBINDINGS), patience=900)
    benchmark.record("rebindings", [sum(rebinding["said"].values())])
    benchmark.bound(benchmark.record("packets by rebinding", [rebinding["packets"]]), "<=", 0)
    for said, count in sorted(attempts["said"].items()):
        benchmark.note(f"{count:5} × {said}")
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
