"""Why uvicorn serves: `python -m benchmarks.servers`. The same application on uvicorn, as `chatwithus.serve` sets it up, and on
daphne, which is behind `manage.py runserver`; each round starts both anew, so that a ratio is of one moment.
"""

import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import harness, usage
from benchmarks.harness import ROOT, Benchmark
from benchmarks.listening import listening
from chatwithus import serve
from chatwithus.embedded.cluster import free_port

SOCKETS = 50
DEAF_SECONDS, DEAF_LIMIT = 5.0, 200.0
Round = dict[str, float]


def uvicorn(port: int) -> None:
    """The product's own configuration, with another application in it."""
    configuration = serve.configuration(host="127.0.0.1", port=port)
    configuration.app, configuration.lifespan = "benchmarks.fountain:application", "off"
    serve.Server(configuration).run()


COMMANDS = {
    "uvicorn": [
        "-c",
        "import sys; from benchmarks import servers; servers.uvicorn(int(sys.argv[1]))",
        "{port}",
    ],
    "daphne": ["-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", "benchmarks.fountain:application"],
}


@dataclass(frozen=True, slots=True)
class Server:
    pid: int
    port: int


@contextmanager
def serving(name: str) -> Iterator[Server]:
    port = free_port()
    with listening([word.format(port=port) for word in COMMANDS[name]], port) as pid:
        yield Server(pid, port)


@contextmanager
def clients(server: Server, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Real clients in their own process, once their sockets are open."""
    command = [sys.executable, "-m", "benchmarks.crowd", str(server.port), *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "open\n":
            sys.exit("The clients could not connect.")
        yield process
    finally:
        process.kill()
        process.communicate()


def stream(server: Server, *, seconds: float) -> Round:
    """CPU, latency and memory while every socket is streamed to."""
    with clients(server, str(SOCKETS), str(seconds)) as crowd:
        assert crowd.stdout is not None
        before = usage.cpu_seconds(server.pid)
        heard = json.loads(crowd.stdout.readline())
        cpu = usage.cpu_seconds(server.pid) - before
        latencies = statistics.quantiles(heard["latencies_ms"], n=100)
        return {
            "CPU per 1,000 frames": cpu / heard["frames"] * 1e6,
            "ask p50": latencies[49],
            "ask p99": latencies[98],
            f"PSS with {SOCKETS} sockets": usage.pss(server.pid),
        }


def endure(server: Server) -> Round:
    """How much one client that never reads makes the server hold, within 5 s and up to 200 MiB."""
    before, most = usage.rss(server.pid), 0.0
    with clients(server, "deaf"):
        began = time.monotonic()
        while time.monotonic() - began < DEAF_SECONDS and most < DEAF_LIMIT:
            most = max(most, usage.rss(server.pid) - before)
            time.sleep(0.02)
        return {"held for a deaf client": most, "deaf for": time.monotonic() - began}


def measured(name: str, *, seconds: float) -> Round:
    with serving(name) as server:
        quiet = {"RSS when quiet": usage.rss(server.pid), "PSS when quiet": usage.pss(server.pid)}
        return quiet | stream(server, seconds=seconds) | endure(server)


UNITS = {"CPU": "ms", "ask": "ms", "PSS": "MiB", "RSS": "MiB", "held": "MiB", "deaf": "s"}


def tell(benchmark: Benchmark, rounds: dict[str, list[Round]]) -> None:
    for what in rounds["uvicorn"][0]:
        for name, found in rounds.items():
            measure = benchmark.record(
                f"{name}: {what}", [one[what] for one in found], UNITS[what.split()[0]]
            )
            if (name, what) == ("uvicorn", "held for a deaf client"):
                benchmark.bound(measure, "<=", 16)
    for what in ("CPU per 1,000 frames", "ask p50", "ask p99"):
        pairs = zip(rounds["daphne"], rounds["uvicorn"], strict=True)
        ratio = benchmark.record(f"daphne ÷ uvicorn: {what}", [one[what] / two[what] for one, two in pairs])
        benchmark.bound(ratio, ">=", 1)


def main() -> int:
    parser = harness.parser(__doc__)
    parser.add_argument(
        "--seconds", type=float, default=4, help="of streaming in a round (default %(default)s)"
    )
    chosen = parser.parse_args()
    benchmark, rounds = Benchmark("servers"), defaultdict[str, list[Round]](list)
    for _ in range(chosen.repeat):
        for name in COMMANDS:
            rounds[name].append(measured(name, seconds=chosen.seconds))
    tell(benchmark, rounds)
    benchmark.note(
        f"{SOCKETS} sockets with 20 frames a second each; `ask` is an echo on a socket that is streamed to."
    )
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
