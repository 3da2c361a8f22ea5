"""The short form of benchmarks/faults.py, herd.py, restarts.py and takeover.py: what is counted there, without what is timed."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import faults, herd, restarts, takeover, talk
from benchmarks.ground import WEBS, Ground
from benchmarks.talk import Told
from chatwithus.embedded import Services
from chatwithus.embedded.cluster import free_port
from tests.services import ROOT, environment
from tests.world import House


@pytest.fixture(scope="module")
def place(services: Services) -> Iterator[Ground]:
    """Two web processes of the run's own services."""
    ground = Ground(services, os.environ | environment(services), {name: free_port() for name in WEBS})
    for name in WEBS:
        ground.start(name)
    asyncio.run(ground.is_ready())
    yield ground
    for name in WEBS:
        ground.bury(name)


async def test_a_stream_torn_at_every_frame_goes_on_elsewhere(
    place: Ground, houses: tuple[House, House]
) -> None:
    told = await faults.cut_everywhere(place, houses[0], streams=4)
    assert await talk.judged(told, houses[0]) == []
    assert faults.characters(told.clients) == (0, 0)
    assert len(list(talk.resumes(told.clients))) > 50


async def test_nothing_late_is_said_or_saved_after_a_take_over(
    place: Ground, houses: tuple[House, House]
) -> None:
    house, found = houses[0], list[takeover.Trial]()
    agent = await talk.apart(lambda: house.scripted(takeover.SCRIPT))

    async def one(number: int) -> None:
        address = place.address(WEBS[number % 2], agent.id)
        found.append(await takeover.take_over(address, house, random.Random(number)))

    await talk.several(20, one, at_once=4)
    assert await talk.apart(lambda: takeover.judged(house, found)) == []
    assert sum(trial.late for trial in found) == 0
    assert not any(trial.is_saved for trial in found)


async def test_restarts_are_invisible_to_a_client_that_resumes(
    place: Ground, houses: tuple[House, House]
) -> None:
    told, stops = await restarts.talk_on(place, houses[0], restarts=3, visitors=4)
    assert await talk.judged(told, houses[0]) == []
    assert (told.stuck, restarts.cut_short(told.clients)) == (0, [])
    assert set(restarts.codes(told.clients)) <= restarts.EXPECTED
    assert [status for _, status in stops] == [0, 0, 0]


async def test_a_herd_that_comes_back_at_once_goes_on_where_it_was(
    place: Ground, houses: tuple[House, House]
) -> None:
    told = Told()
    async with herd.gathered(place, houses[0], 40, told, long="tokens=60 rate=30") as everybody:
        found = await herd.come_back(place, everybody, WEBS[0], signal.SIGKILL)
        await herd.settled(told)
    place.bury(WEBS[0])
    place.start(WEBS[0])
    await place.is_ready()
    assert (found.missing, found.unrecovered, found.errors) == (0, 0, 0)
    assert await talk.judged(told, houses[0]) == []


def test_replies_survive_the_death_of_any_process(tmp_path: Path) -> None:
    """Each once, on services of their own: PostgreSQL of the tests forgoes the durability that this is about."""
    short = "--streams 0 --kills 5 --messages 30 --visitors 5"
    command = [sys.executable, "-m", "benchmarks.faults", *short.split()]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
    )
    kept = json.loads((tmp_path / "data" / "benchmarks" / "faults.json").read_text())
    assert [bound["name"] for bound in kept["bounds"] if not bound["is_met"]] == [], ended.stdout
