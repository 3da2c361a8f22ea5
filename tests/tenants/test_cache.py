"""The cache saves questions and is never the truth: not while it is stale, and not while it is away."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.agents import faces, versions
from apps.agents.models import Agent
from apps.tenants import access, cache, scope, valkey
from tests.world import House

Houses = tuple[House, House]
NAMES = st.lists(st.text(alphabet=":_/%ab0é ", max_size=6), min_size=1, max_size=4)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(cache, "_rests_until", float("-inf"))
    cache.learn(int(uuid4()) % 2**40)  # a number under which nothing is kept yet
    yield
    monkeypatch.setattr(cache, "_version", (0, float("-inf")))


def count(shelf: str, outcome: str) -> float:
    return float(cache.LOOKUPS.labels(shelf, outcome)._value.get())


@given(
    one=NAMES, other=NAMES, tenants=st.tuples(st.uuids(), st.uuids()) | st.just((UUID(int=1), UUID(int=1)))
)
def test_no_two_names_share_a_key(one: list[str], other: list[str], tenants: tuple[UUID, UUID]) -> None:
    keys = {
        cache.key(tenant, shelf, *rest)
        for tenant, (shelf, *rest) in zip(tenants, (["s", *one], ["s", *other]), strict=True)
    }
    assert len(keys) == len({(tenants[0], *one), (tenants[1], *other)})
    assert all(
        key.startswith(f"cwu:t:{tenant.hex}:")
        for key, tenant in zip([cache.key(tenants[0], "s", *one)], tenants, strict=False)
    )


def test_whoever_comes_second_asks_no_database(houses: Houses) -> None:
    acme, _ = houses
    cache.learn(cache._version[0])  # however long ago the houses were founded
    hits, misses = count("admission", "hit"), count("admission", "miss")
    first = access.by_agent(acme.agent.id, origin=acme.origin)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        second = access.by_agent(acme.agent.id, origin=acme.origin)
    assert (len(asked), count("admission", "hit") - hits, count("admission", "miss") - misses) == (0, 1, 1)
    assert first is not None
    assert second is not None
    assert (second.tenant.id, second.tenant.slug, second.ticket) == (
        acme.tenant.id,
        acme.tenant.slug,
        first.ticket,
    )
    assert second.tenant.suspended_at is None  # read from the database when it is asked for


def test_what_is_kept_lets_in_no_other_origin(houses: Houses) -> None:
    acme, globex = houses
    for _ in range(2):
        assert access.by_agent(acme.agent.id, origin=globex.origin) is None
        assert access.by_agent(acme.agent.id, origin=None) is None
        assert access.by_agent(uuid4(), origin=acme.origin) is None


def test_a_new_number_makes_everything_be_asked_anew(houses: Houses) -> None:
    acme, _ = houses
    assert access.by_agent(acme.agent.id, origin=acme.origin) is not None
    type(acme.tenant).objects.filter(id=acme.tenant.id).update(suspended_at=timezone.now())
    cache.learn(cache._version[0] + 1)
    assert access.by_agent(acme.agent.id, origin=acme.origin) is None


def test_who_has_not_heard_the_number_asks_the_database(
    houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, _ = houses
    assert access.by_agent(acme.agent.id, origin=acme.origin) is not None
    monkeypatch.setattr(cache, "_version", (cache._version[0], float("-inf")))
    type(acme.tenant).objects.filter(id=acme.tenant.id).update(allowed_origins=[])
    assert access.by_agent(acme.agent.id, origin=acme.origin) is None


def test_while_valkey_is_away_the_database_answers_and_nobody_waits_twice(
    houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, _ = houses
    asked = []

    def dead() -> None:
        asked.append(1)
        raise ConnectionError("nobody there")

    monkeypatch.setattr(valkey, "blocking", dead)
    for _ in range(3):
        assert access.by_agent(acme.agent.id, origin=acme.origin) is not None
        with acme.scope():
            assert faces.of(acme.agent.id) is not None
    assert len(asked) == 1


def test_a_face_is_shown_as_it_was_saved_last(houses: Houses) -> None:
    acme, globex = houses
    with acme.scope():
        seen = faces.of(acme.agent.id)
        assert seen is not None
        assert (seen.id, seen.name, seen.greeting) == (acme.agent.id, acme.agent.name, acme.agent.greeting)
        agent = Agent.objects.get(id=acme.agent.id)
        agent.greeting = "Good evening."
        agent.save()
        found = faces.of(acme.agent.id)
        assert found is not None
        assert found.greeting == "Good evening."
    with globex.scope():
        assert faces.of(acme.agent.id) is None


def test_a_face_of_an_agent_that_is_gone_is_gone(houses: Houses) -> None:
    acme, _ = houses
    with scope.scoped_to(acme.tenant.id):
        assert faces.of(acme.agent.id) is not None
        Agent.objects.get(id=acme.agent.id).delete()
        assert faces.of(acme.agent.id) is None


def test_a_published_change_is_the_face_at_once(houses: Houses) -> None:
    acme, _ = houses
    with acme.scope():
        before = faces.of(acme.agent.id)
        versions.edit(acme.agent, greeting="Good evening.")
        assert faces.of(acme.agent.id) == before
        versions.publish(acme.agent)
        after = faces.of(acme.agent.id)
    assert after is not None
    assert after.greeting == "Good evening."
