"""What the widget costs a page, by Chromium's own performance trace: `python -m benchmarks.widget`.

The main thread's tasks are summed by their CPU time, so that a busy machine counts little; everything on that thread is counted, the
stage that plays the server too."""

import base64
import gzip
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page

from benchmarks import page as pages
from benchmarks.harness import Benchmark

TOKENS, RATE = 2000, 50
WARM = 3.0  # seconds
LOADS = 7
SIZE, LAUNCHER_MS, CORE, TASK_MS = 24 * 1024, 50.0, 10.0, 16.0
CATEGORIES = "toplevel,devtools.timeline,disabled-by-default-devtools.timeline,blink.user_timing"
STREAM = """async ([tokens, rate]) => {
  ChatWithUs("open");
  while (!window.stage?.onmessage) await new Promise(requestAnimationFrame);
  await new Promise((done) => setTimeout(done, 500));
  stage.say({v: 1, type: "message", chat: "c", seq: 1, exchange: 1, from: "visitor", text: "Go on", client_message_id: "m"});
  stage.say({v: 1, type: "reply.started", chat: "c", seq: 2, exchange: 1, epoch: 1});
  performance.mark("stream-begins");
  const began = performance.now();
  await new Promise((done) => {
    let index = 0;
    const timer = setInterval(() => {
      while (index < tokens && index < (performance.now() - began) * rate / 1000) {
        const text = index % 120 === 119 ? "\\n\\n" : index % 40 === 20 ? "**bold** " : index % 60 === 30 ? "[1] " : `word${index % 7} `;
        stage.say({type: "reply.delta", exchange: 1, epoch: 1, index: index++, text});
      }
      if (index >= tokens) { clearInterval(timer); done(); }
    }, 1000 / rate);
  });
  performance.mark("stream-ends");
}"""


class Trace:
    """The renderer's main thread, as Chromium wrote it down."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        marks = [
            event
            for event in events
            if event.get("name") in {"widget-begins", "widget-shown", "stream-begins", "stream-ends"}
        ]
        self.at = {event["name"]: event["ts"] for event in marks}
        thread = (marks[0]["pid"], marks[0]["tid"])
        self.tasks = [
            event
            for event in events
            if (event["pid"], event["tid"]) == thread and event["ph"] == "X" and event["name"] == "RunTask"
        ]

    def between(self, begin: str, end: str, *, after: float = 0.0) -> list[float]:
        """CPU milliseconds of each task that began in this time; `after` so many seconds of it."""
        since = self.at[begin] + after * 1e6
        return [
            task.get("tdur", task["dur"]) / 1000 for task in self.tasks if since <= task["ts"] <= self.at[end]
        ]


@contextmanager
def traced(page: Page) -> Iterator[list[Trace]]:
    found: list[Trace] = []
    session = page.context.new_cdp_session(page)
    session.send(
        "Tracing.start",
        {"transferMode": "ReturnAsStream", "traceConfig": {"includedCategories": CATEGORIES.split(",")}},
    )
    yield found
    handles: list[str] = []
    session.on("Tracing.tracingComplete", lambda event: handles.append(event["stream"]))
    session.send("Tracing.end")
    while not handles:
        page.wait_for_timeout(50)
    found.append(Trace(json.loads(_read(session, handles[0]))["traceEvents"]))


def _read(session: CDPSession, handle: str) -> bytes:
    parts = []
    while True:
        part = session.send("IO.read", {"handle": handle})
        data = part["data"]
        parts.append(base64.b64decode(data) if part.get("base64Encoded") else data.encode())
        if part["eof"]:
            return b"".join(parts)


def launcher(running: Browser, address: str) -> float:
    """From the line in the page to its button on the screen: CPU milliseconds of the main thread."""
    page = running.new_page()
    page.add_init_script(pages.STAGE.read_text())
    page.goto(address)
    with traced(page) as found:
        page.evaluate(
            """async () => {
              performance.mark("widget-begins");
              const shown = new Promise((done) => addEventListener("chatwithus:ready", done));
              begin();
              await shown;
              await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
              performance.mark("widget-shown");
            }"""
        )
    page.close()
    return sum(found[0].between("widget-begins", "widget-shown"))


def stream(running: Browser, address: str) -> tuple[float, float]:
    """An answer of many tokens: the share of a core, and the longest task once it is warm."""
    page = pages.staged(running, address)
    with traced(page) as found:
        page.evaluate(STREAM, [TOKENS, RATE])
    page.close()
    seconds = (found[0].at["stream-ends"] - found[0].at["stream-begins"]) / 1e6
    busy = sum(found[0].between("stream-begins", "stream-ends")) / 1000
    return 100 * busy / seconds, max(found[0].between("stream-begins", "stream-ends", after=WARM))


def main() -> int:
    benchmark = Benchmark("widget")
    bundle = Path(pages.DIST / "widget.js").read_bytes()
    benchmark.bound(
        benchmark.record("widget.js, gzip -9", [len(gzip.compress(bundle, 9))], "bytes"), "<=", SIZE
    )
    benchmark.record("widget.js, brotli as served", [(pages.DIST / "widget.js.br").stat().st_size], "bytes")
    with pages.opened() as (running, address):
        shown = [launcher(running, address) for _ in range(LOADS)]
        share, longest = stream(running, address)
    benchmark.bound(
        benchmark.record("main thread until the launcher is seen", shown, "ms CPU"), "<=", LAUNCHER_MS
    )
    benchmark.bound(benchmark.record(f"{TOKENS} tokens at {RATE}/s", [share], "% of a core"), "<=", CORE)
    benchmark.bound(benchmark.record("longest task while they come", [longest], "ms CPU"), "<=", TASK_MS)
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
