"""Everything that chats were ever broken with, cut at every place by the stream, through the widget's real render path:
`python -m benchmarks.storm`. Counts what ran, what was asked of a stranger's host, and what stood in the page that has no place there."""

import sys
from typing import Any

from benchmarks import page
from benchmarks.harness import Benchmark
from tests.widget import payloads

GROUP = 24
AT_ONCE = 60
ENOUGH = 500.0


def main() -> int:
    texts = list(payloads.every())
    benchmark = Benchmark("storm")
    sunk: list[str] = []
    ran, wrong, renderings = 0, set[str](), 0
    with page.opened() as (running, address):
        shown = page.staged(running, address)
        shown.context.route(lambda url: "sink.example" in url, lambda route: _sink(route, sunk))
        for at in range(0, len(texts), GROUP):
            found = shown.evaluate(
                "([texts, width]) => storm(texts, 1, width)", [texts[at : at + GROUP], AT_ONCE]
            )
            renderings += found["renderings"]
            ran = len(found["hits"])
            wrong |= set(found["wrong"])
            print(f"\r{at + GROUP:5} texts, {renderings:7} renderings", end="", flush=True)
    benchmark.bound(benchmark.record("payloads", [len(set(texts))]), ">=", ENOUGH)
    benchmark.record("renderings", [renderings])
    benchmark.bound(benchmark.record("executed", [ran]), "<=", 0)
    benchmark.bound(benchmark.record("requests to the sink", [len(sunk)]), "<=", 0)
    benchmark.bound(
        benchmark.record("elements or attributes that have no place there", [len(wrong)]), "<=", 0
    )
    for one in sorted(wrong)[:10]:
        benchmark.note(f"found: {one}")
    return benchmark.finish()


def _sink(route: Any, sunk: list[str]) -> None:
    sunk.append(route.request.url)
    route.abort()


if __name__ == "__main__":
    sys.exit(main())
