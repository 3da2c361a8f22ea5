"""The vector leg at every size of a tenant: how much of the exact answer it finds, and how long it takes. `python -m benchmarks.neighbours`.

48 tenants of 50 to 20,000 passages in one table. Each size is measured as the product serves it, exactly (no index of vectors), and with
an index of its own; vectors lie in clusters, as those of texts do.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from benchmarks import harness, shelves
from benchmarks.harness import ROOT, Benchmark
from chatwithus.embedded import Services

SIZES = (50, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
TENANTS = 48
QUESTIONS = 60
CLUSTERS, NOISE = 400, 0.9
FOUND = 10
MODEL = "clustered"
PLANS = {
    "exact": "SET enable_indexscan = off",
    "index": "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off",
}
PLANNED = ("enable_indexscan", "enable_seqscan", "enable_bitmapscan", "enable_sort")
RECALL, RATIO = 0.99, 1.5
BATCH = 500
Vectors = NDArray[np.float32]


def vectors(count: int, chance: np.random.Generator, centres: Vectors) -> Vectors:
    picked = centres[chance.integers(len(centres), size=count)]
    made = picked + NOISE * chance.standard_normal(picked.shape) / np.sqrt(picked.shape[1])
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


def fill(slug: str, rows: Vectors) -> tuple[UUID, UUID]:
    """A tenant with these passages: its id and its source's."""
    from apps.knowledge.models import Passage
    from apps.tenants import scope

    with shelves.tenant(slug) as agent_id:
        made = shelves.source(agent_id, slug)
        tenant_id = scope.current()
        told = {"knowledge_id": made.id, "title": slug, "text": "-", "language": "english", "embedder": MODEL}
        Passage.objects.bulk_create(
            (Passage(position=n, embedding=row.tolist(), **told) for n, row in enumerate(rows)),
            batch_size=BATCH,
        )
        return tenant_id, made.id


def ask(tenant: tuple[UUID, UUID], asked: Vectors, plan: str = "") -> tuple[list[list[UUID]], float]:
    """What is found for each, and the median time in milliseconds."""
    from django.db import connections

    from apps.knowledge import ranking
    from apps.tenants import scope

    found, times = [], []
    with scope.scoped_to(tenant[0]), connections["vectors"].cursor() as cursor:
        cursor.execute(plan or "SELECT 1")
        for vector in [asked[0], *asked]:
            told: dict[str, Any] = {"tenant": tenant[0], "readable": [tenant[1]], "model": MODEL}
            told["vector"] = str(vector.tolist())
            began = time.perf_counter()
            cursor.execute(ranking.NEAREST, told)
            found.append([id for (id,) in cursor.fetchall()])
            times.append((time.perf_counter() - began) * 1000)
        # Not RESET ALL, which would make the server forget who asks.
        cursor.execute("; ".join(f"RESET {name}" for name in PLANNED))
    assert all(found), "nothing was found"
    return found[1:], statistics.median(times[1:])


def neighbouring(
    tenant: tuple[UUID, UUID], asked: Vectors, plan: str, *, rounds: int = 5
) -> tuple[float, float, float]:
    """The recall of a plan, how long it takes as a ratio to the exact one, and how long that takes: in turns, since the machine is
    faster or slower from one second to the next."""
    ratios, times, shares = [], [], []
    for _ in range(rounds):
        exact, right = ask(tenant, asked, PLANS["exact"])
        found, took = ask(tenant, asked, plan)
        ratios.append(took / right)
        times.append(right)
        shares.append(recall(found, exact))
    return min(shares), statistics.median(ratios), statistics.median(times)


def recall(found: Sequence[Sequence[UUID]], exact: Sequence[Sequence[UUID]]) -> float:
    shares = [
        len(set(one[:FOUND]) & set(right[:FOUND])) / FOUND for one, right in zip(found, exact, strict=True)
    ]
    return statistics.mean(shares)


def index_vectors(services: Services, large: int) -> None:
    owner = os.environ | services.owner_environment()
    command = [sys.executable, "manage.py", "index_vectors", "--large", str(large)]
    subprocess.run(command, cwd=ROOT, env=owner, check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    given = harness.parser(__doc__, repeat=1).parse_args()
    del given
    from apps.knowledge.ranking import LARGE

    benchmark = Benchmark("neighbours")
    chance = np.random.default_rng(7)
    centres = np.asarray(chance.standard_normal((CLUSTERS, 384)), dtype=np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    with shelves.prepared() as services:
        sizes = [*SIZES, *[500] * (TENANTS - len(SIZES))]
        tenants = [fill(f"t{n}", vectors(size, chance, centres)) for n, size in enumerate(sizes)][
            : len(SIZES)
        ]
        shelves.settle(services)
        asked = vectors(QUESTIONS, chance, centres)
        index_vectors(services, SIZES[0])
        gains = [neighbouring(one, asked, PLANS["index"]) for one in tenants]
        index_vectors(services, 2 * max(SIZES) + 2)  # gone again
        index_vectors(services, LARGE)
        served = [neighbouring(one, asked, "") for one in tenants]
    for size, (_, index, before), (ours, ratio, after) in zip(SIZES, gains, served, strict=True):
        benchmark.record(f"{size:>6} passages: exact", [before, after], "ms")
        benchmark.record(f"{size:>6} passages: with an index ÷ exact", [index])
        benchmark.bound(benchmark.record(f"{size:>6} passages: recall@10", [ours]), ">=", RECALL)
        worse = benchmark.record(f"{size:>6} passages: as served ÷ the better", [ratio / min(1, index)])
        benchmark.bound(worse, "<=", RATIO)
    return benchmark.finish()


if __name__ == "__main__":
    raise SystemExit(main())
