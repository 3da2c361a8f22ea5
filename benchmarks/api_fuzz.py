"""Whether any request breaks the API: `python -m benchmarks.api_fuzz [--repeat 3] [--examples 100]`.

schemathesis makes requests from the OpenAPI document, all phases and all checks, over and over with other seeds: once as anybody
could, about ids that nobody has, and once about an agent, a chat and a document that are really there.
"""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks import harness, room, usage
from benchmarks.harness import Benchmark
from benchmarks.room import Web

if TYPE_CHECKING:
    from tests.api.fuzz import Report
    from tests.world import House

SEED = 20260101
GROWTH = 64.0  # MiB; the first requests fill caches


def runs(url: str, house: "House", *, times: int, examples: int) -> list["Report"]:
    """Two for each seed."""
    from tests.api import fuzz

    found = []
    for seed in range(SEED, SEED + times):
        for is_deep in (False, True):
            told, exclude = fuzz.document(url), []
            if is_deep:
                told, exclude = fuzz.deepened(told, **there(url, house)), [fuzz.ENDLESS, "knowledge_delete"]
            with tempfile.TemporaryDirectory() as folder:
                report = fuzz.run(
                    url, house, told, Path(folder), examples=examples, seed=seed, exclude=exclude
                )
            print(f"  seed {seed}: {report.cases} requests, {len(report.failures)} findings", flush=True)
            if report.failures or not report.is_complete:
                print(report.output, flush=True)
            found.append(report)
    return found


def there(url: str, house: "House") -> dict[str, str]:
    """Ids of this house that exist."""
    agent, spare = (str(house.scripted("tokens=3").id) for _ in range(2))
    body = {"agent": agent, "message": "Hello"}
    asked = httpx.post(f"{url}/api/v1/chat", json=body, headers=house.headers).json()
    source = house.knows("The Quito depot is closed in March.")
    return {"agent": agent, "spare": spare, "chat": asked["session_id"], "knowledge": str(source.id)}


def tell(benchmark: Benchmark, reports: list["Report"], web: Web, growth: float) -> None:
    log = web.log.read_text(errors="replace")
    benchmark.record("requests", [sum(report.cases for report in reports)])
    findings = sum(len(report.failures) + (not report.is_complete) for report in reports)
    counted: dict[str, Any] = {
        "findings": findings,
        "unhandled exceptions": log.count("Traceback (most recent"),
    }
    for name, count in counted.items():
        benchmark.bound(benchmark.record(name, [count]), "<=", 0)
    benchmark.bound(benchmark.record("memory gained", [growth], "MiB"), "<=", GROWTH)
    benchmark.note("Findings count answers of 500 and above, and all that the document does not say.")


def main() -> int:
    parser = harness.parser(__doc__, repeat=3)
    parser.add_argument(
        "--examples", type=int, default=100, help="of each route and kind (default %(default)s)"
    )
    chosen = parser.parse_args()
    benchmark = Benchmark("api_fuzz")
    with room.furnished() as services, room.serving(services) as web:
        from tests.world import found_house

        url, house = f"http://127.0.0.1:{web.port}", found_house("acme")
        runs(url, house, times=1, examples=1)
        before = usage.rss(web.pid)
        reports = runs(url, house, times=chosen.repeat, examples=chosen.examples)
        tell(benchmark, reports, web, usage.rss(web.pid) - before)
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
