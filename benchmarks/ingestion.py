"""How fast documents become searchable, and what reading costs others meanwhile: `python -m benchmarks.ingestion`.

A web process, a reader and a website of 200 pages, all on this machine. Throughput is a ratio to the bare embedder on the same passages
and sentences; first tokens are timed with nothing else going on, and again while the website is read. An organisation's document is
read alone, and again while another's files stand in the queue (many, every fourth of which no reader can read, or a few that were made to
be parsed for as long as anything is) or a website whose pages take 25 seconds to come.
"""

import json
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
from websockets.sync.client import connect
from websockets.typing import Origin

from benchmarks import harness
from benchmarks.ground import Ground, prepared
from benchmarks.harness import Benchmark
from chatwithus.embedded.cluster import free_port

PAGES = 200
CROWD, CROWDED = 60, 40_000  # files of one organisation, and bytes of the other's document
PATIENT = 1.5
SENTENCES = (
    "Depot number {n} lies at the end of the road to the harbour and was built {n} years ago.",
    "Whoever walks from there to the old bridge needs about {n} minutes, or less when it is dry.",
    "Its keeper sells lanterns, ropes and maps, and mends tents of every make for {n} pounds.",
    "On Sundays it opens at {n} minutes past nine and closes when the last boat has left.",
)
READER = "celery -A chatwithus worker --queues reading,celery --concurrency 1 --loglevel INFO --without-gossip --without-mingle"


def words(number: int, count: int) -> str:
    return " ".join(SENTENCES[one % 4].format(n=number + one) for one in range(count))


def markup(size: int, salt: int) -> bytes:
    """So many bytes of HTML, in sections."""
    parts: list[str] = []
    while sum(map(len, parts)) < size:
        number = salt + len(parts)
        parts.append(f"<h2>Depot {number}</h2><p>{words(number, 12)}</p>")
    return f"<html><body>{''.join(parts)}</body></html>".encode()


def until_read(client: httpx.Client, house: Any, source: str) -> tuple[float, dict[str, Any]]:
    began = time.monotonic()
    while True:
        found = client.get(f"/api/v1/knowledge/{source}", headers=house.headers).json()
        if found["status"] in ("ready", "failed"):
            assert found["status"] == "ready", found
            return time.monotonic() - began, found
        time.sleep(0.1)


def first_tokens(
    address: str, origin: str, count: int, goes_on: Callable[[], bool] = lambda: True
) -> list[float]:
    """Milliseconds from a question to the first word of its answer."""
    found: list[float] = []
    with connect(address, origin=Origin(origin)) as socket:
        socket.send(json.dumps({"type": "hello"}))
        while len(found) < count and goes_on():
            asked = {
                "type": "message.send",
                "client_message_id": str(uuid.uuid4()),
                "text": "When does depot number 7 open?",
            }
            began = time.monotonic()
            socket.send(json.dumps(asked))
            while (frame := json.loads(socket.recv(timeout=60)))["type"] != "reply.delta":
                assert frame["type"] not in ("reply.failed", "error"), frame
            found.append(1000 * (time.monotonic() - began))
            while json.loads(socket.recv(timeout=60))["type"] != "reply.completed":
                pass
            time.sleep(0.2)
    return found


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


def bare(passages: list[Any]) -> float:
    """Seconds of the embedder alone, for the same texts in the same batches."""
    from apps.agents.embedders import catalogue
    from apps.agents.sentences import led

    embedder = catalogue.load("minilm")
    began = time.monotonic()
    for start in range(0, len(passages), 16):
        batch = passages[start : start + 16]
        embedder.embed([f"{one.heading}\n{one.text}" for one in batch])
        embedder.embed([f"{lead} {text}".strip() for one in batch for lead, text in led(one.text)])
    return time.monotonic() - began


def main() -> int:
    parser = harness.parser(__doc__, repeat=3)
    parser.add_argument("--only", default="", help="uploads, hostile, crowd or crawl")
    chosen = parser.parse_args()
    benchmark = Benchmark("ingestion")
    port = free_port()
    limits = "message-visitor=off message-ip=off message-agent=off message-tenant=off request-key=off"
    with prepared(EGRESS_ALLOW=f"127.0.0.1:{port}", LIMITS=limits) as ground:
        ground.running["reader"] = ground.services.children.start(
            "reader",
            [sys.executable, "-m", *READER.split()],
            environment=ground.environment,
            folder=harness.ROOT,
        )
        house = ground.house()
        address = ground.address("web-a", house.agent.id)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{ground.ports['web-a']}", headers=house.headers, timeout=60
        ) as client:
            timed(client, house, 2_000, 1)  # the reader loads what it needs
            if chosen.only in ("", "uploads"):
                uploads(benchmark, client, house, chosen.repeat)
            if chosen.only in ("", "hostile"):
                hostility(benchmark, client, ground, port, chosen.repeat)
            if chosen.only in ("", "crowd"):
                begin = partial(add_all, client, house, many())
                beside(benchmark, client, ground.house(), house, chosen.repeat, begin, "many files")
            if chosen.only in ("", "crawl"):
                crawl(benchmark, client, house, port, address)
    return benchmark.finish()


def add(client: httpx.Client, house: Any, file: bytes, name: str = "depots.html") -> str:
    form = {"name": "Depots", "agents": [str(house.agent.id)]}
    added = client.post("/api/v1/knowledge", data=form, files={"file": (name, file)}, headers=house.headers)
    assert added.status_code == 202, added.text
    return str(added.json()["id"])


def timed(client: httpx.Client, house: Any, size: int, salt: int) -> tuple[float, dict[str, Any]]:
    """Seconds from the upload until it can be searched, and what it has become."""
    began = time.monotonic()
    _, found = until_read(client, house, add(client, house, markup(size, salt)))
    return time.monotonic() - began, found


def many() -> Iterator[tuple[str, bytes]]:
    for number in range(CROWD):
        yield ("x.pdf", b"%PDF-1.7 nothing else") if number % 4 == 0 else ("x.html", markup(8_000, 90_000 + 100 * number))  # fmt: skip


def hostile() -> Iterator[tuple[str, bytes]]:
    """Easily made; each is parsed until its time is over."""
    yield "brackets.md", b"[" * 200_000
    yield "blocks.html", b"<p>1 x</p>" * 1_500_000
    yield "columns.csv", b"a," * 9_000_000


def hostility(benchmark: Benchmark, client: httpx.Client, ground: Ground, port: int, repeat: int) -> None:
    from tests.knowledge import website

    house, other, owner = ground.house(), ground.house(), ground.house()
    hostile_files = partial(add_all, client, other, hostile())
    beside(benchmark, client, house, other, repeat, hostile_files, "hostile files")
    with website.running(port) as site:
        site.pages = Slow()
        site.page("/", words(0, 8), *(f"/slow/{number}" for number in range(50)))
        body = {"name": "Slow", "category": "website", "content": site.url}
        slow_website = partial(client.post, "/api/v1/knowledge", json=body, headers=owner.headers)
        beside(benchmark, client, ground.house(), owner, repeat, slow_website, "a slow website")


class Slow(dict[str, Any]):
    """Pages for which a request may just so wait."""

    def get(self, path: str, default: Any = None) -> Any:
        if path.startswith("/slow/"):
            time.sleep(25)
        return super().get(path, default)


def add_all(client: httpx.Client, house: Any, files: Iterator[tuple[str, bytes]]) -> None:
    for name, content in files:
        add(client, house, content, name)


def beside(
    benchmark: Benchmark, client: httpx.Client, house: Any, other: Any, repeat: int, begin: Callable[[], object], what: str
) -> None:  # fmt: skip
    """One organisation's document alone, and while another's waits or is read, which `begin` adds."""
    alone = [timed(client, house, CROWDED, 50_000 + 1000 * one)[0] for one in range(repeat)]
    begin()
    during = [timed(client, house, CROWDED, 70_000 + 1000 * one)[0] for one in range(repeat)]
    waiting = client.get("/api/v1/knowledge?limit=100", headers=other.headers).json()["knowledge"]
    left = sum(one["status"] in ("waiting", "working") for one in waiting)
    benchmark.record(f"another's document alone, before {what}", alone, "s")
    benchmark.record(f"the same beside {what}", during, "s")
    ratio = statistics.median(during) / statistics.median(alone)
    benchmark.bound(benchmark.record(f"beside {what} ÷ alone", [ratio]), "<=", PATIENT)
    benchmark.note(f"Of {what} {left} were not done with when the last of the other's had been read.")
    assert left, "they were gone before they could be in anybody's way"


def uploads(benchmark: Benchmark, client: httpx.Client, house: Any, repeat: int) -> None:
    from apps.knowledge.models import Passage

    took = [timed(client, house, 100_000, 1000 * (one + 1)) for one in range(repeat)]
    benchmark.bound(
        benchmark.record("100 KB of HTML until searchable", [one for one, _ in took], "s"), "<=", 15
    )
    ratios = []
    for seconds, found in took:
        with house.scope():
            passages = list(Passage.objects.filter(knowledge_id=found["id"]).order_by("position"))
        ratios.append(bare(passages) / seconds)
    benchmark.bound(benchmark.record("throughput to the bare embedder's", ratios), ">=", 0.8)


def crawl(benchmark: Benchmark, client: httpx.Client, house: Any, port: int, address: str) -> None:
    from tests.knowledge import website

    with website.running(port) as site:
        names = [f"/help/{number}" for number in range(1, PAGES)]
        site.page("/", words(0, 8), *names, title="All depots")
        for number, name in enumerate(names, start=1):
            site.page(name, words(number, 8), "/", title=f"Depot {number}")
        alone = first_tokens(address, house.origin, 60)
        body = {
            "name": "Depots",
            "category": "website",
            "content": site.url,
            "website": {"most_pages": PAGES},
        }
        began = time.monotonic()
        source = client.post("/api/v1/knowledge", json=body).json()["id"]
        during: list[float] = []
        while (found := client.get(f"/api/v1/knowledge/{source}").json())["status"] in ("waiting", "working"):
            during += first_tokens(address, house.origin, 20)
    assert found["status"] == "ready", found
    benchmark.record(f"{PAGES} pages fetched, parsed and embedded", [time.monotonic() - began], "s")
    benchmark.record("pages read", [found["documents"].get("ready", 0)])
    benchmark.record("first token alone, p95", [p95(alone)], "ms")
    benchmark.record("first token meanwhile, p95", [p95(during)], "ms")
    benchmark.bound(benchmark.record("p95 meanwhile to p95 alone", [p95(during) / p95(alone)]), "<=", 1.2)
    benchmark.note(
        f"{len(alone)} and {len(during)} questions; pages are fetched two a second, as any host's are."
    )


if __name__ == "__main__":
    sys.exit(main())
