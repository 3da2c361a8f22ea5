"""An index of its own for whoever knows much: built by the owner, used by the planner, gone when it is not needed."""

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connections

from apps.knowledge import ranking
from apps.knowledge.models import Knowledge, KnowledgeLink, Passage
from chatwithus.embedded import Services
from chatwithus.embedded.cluster import free_port
from tests.server import PATIENCE
from tests.services import CLONES, ROOT
from tests.world import House

MODEL = "random"


def index_vectors(services: Services, *, large: int) -> str:
    owner = os.environ | services.owner_environment(**CLONES)
    command = [sys.executable, "manage.py", "index_vectors", "--large", str(large)]
    return subprocess.run(command, cwd=ROOT, env=owner, check=True, capture_output=True, text=True).stdout


def vector(chance: random.Random) -> list[float]:
    made = [chance.gauss(0, 1) for _ in range(384)]
    length = sum(one * one for one in made) ** 0.5
    return [one / length for one in made]


def furnish(house: House, count: int) -> Knowledge:
    chance = random.Random(count)
    with house.scope():
        source = Knowledge.objects.create(name="Much", status="ready")
        KnowledgeLink.objects.create(agent=house.agent, knowledge=source)
        told = {"knowledge_id": source.id, "title": "Much", "language": "english", "embedder": MODEL}
        Passage.objects.bulk_create(
            Passage(position=n, text=f"Item {n}.", embedding=vector(chance), **told) for n in range(count)
        )
    return source


def nearest(house: House, source: Knowledge, asked: list[float]) -> tuple[list[str], str]:
    """What the vector leg finds, and by which plan."""
    told: dict[str, Any] = {
        "tenant": house.tenant.id,
        "readable": [source.id],
        "model": MODEL,
        "vector": str(asked),
    }
    with house.scope(), connections["vectors"].cursor() as cursor:
        cursor.execute(ranking.NEAREST, told)
        found = [str(row[0]) for row in cursor.fetchall()[:10]]
        cursor.execute(f"EXPLAIN {ranking.NEAREST}", told)
        return found, "\n".join(line for (line,) in cursor.fetchall())


def test_an_index_is_built_for_who_knows_much_and_no_other(
    services: Services, houses: tuple[House, House]
) -> None:
    acme, globex = houses
    much, little = furnish(acme, 3000), furnish(globex, 50)
    asked = vector(random.Random(7))
    exact, _ = nearest(acme, much, asked)
    try:
        assert index_vectors(services, large=2000).count("Built") == 1
        assert index_vectors(services, large=2000) == ""
        found, plan = nearest(acme, much, asked)
        assert f"passage_near_{acme.tenant.id.hex}" in plan
        assert len(set(found) & set(exact)) >= 9
        found, plan = nearest(globex, little, asked)
        assert "passage_near" not in plan
        assert len(found) == 10
    finally:
        with acme.scope():
            Passage.objects.filter(knowledge_id=much.id).delete()
        assert "Dropped" in index_vectors(services, large=2000)


def test_the_planner_knows_how_many_passages_a_source_has(
    services: Services, houses: tuple[House, House]
) -> None:
    acme, globex = houses
    source, _ = furnish(acme, 400), furnish(globex, 400)
    with services.cluster.connect(CLONES["vectors"]) as owner:
        owner.execute("ANALYZE knowledge_passage")
    _, plan = nearest(acme, source, vector(random.Random(7)))
    most = max(map(int, re.findall(r"rows=(\d+)", plan)))
    assert 300 <= most <= 500


def test_whoever_looks_now_and_then_outlives_a_database_that_is_away(
    services: Services, houses: tuple[House, House], tmp_path: Path
) -> None:
    owner = os.environ | services.owner_environment(**CLONES) | {"PYTHONUNBUFFERED": "1"}
    away = owner | {"OWNER_VECTOR_DATABASE_URL": f"postgresql://owner:x@127.0.0.1:{free_port()}/gone"}
    command = [sys.executable, "manage.py", "index_vectors", "--skip-checks", "--every", "1"]
    said = tmp_path / "said"
    with (
        said.open("w") as log,
        subprocess.Popen(command, cwd=ROOT, env=away, stdout=log, stderr=log) as alone,
    ):
        until(lambda: said.read_text().count("No index was looked after") > 1)
        assert alone.poll() is None
        alone.terminate()
    much = furnish(houses[0], 200)
    looking = [*command, "--large", "200"]
    with said.open("w") as log, subprocess.Popen(looking, cwd=ROOT, env=owner, stdout=log) as there:
        until(lambda: f"Built passage_near_{houses[0].tenant.id.hex}" in said.read_text())
        with houses[0].scope():
            Passage.objects.filter(knowledge_id=much.id).delete()
        until(lambda: "Dropped" in said.read_text())
        there.terminate()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_nobody_who_serves_may_make_an_index(houses: tuple[House, House]) -> None:
    furnish(houses[0], 1)
    with houses[0].scope(), pytest.raises(DatabaseError, match="must be owner"):
        call_command("index_vectors", "--large", "1")
