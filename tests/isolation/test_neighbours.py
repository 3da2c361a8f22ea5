"""Many tenants with the same document but for one word: a search finds its own tenant's, and finds it although all are as near."""

import asyncio
from uuid import UUID, uuid4

from apps.agents.embedders import catalogue
from apps.agents.models import Agent
from apps.chats import rehearsal
from apps.knowledge import ranking, retrieval
from apps.knowledge.models import Knowledge, KnowledgeLink, Passage
from tests import scripted
from tests.world import House, found_house

TENANTS, QUESTIONS = 50, 200
TEXT = "Returns are accepted for thirty days after delivery. The code of this shop is {}."
ASKED = "How long can I return something?"


def test_a_search_finds_its_own_tenants_passages_alone(committed: None) -> None:
    [vector] = catalogue.load("minilm").embed([ASKED])
    houses = [found_house(f"near{number}") for number in range(TENANTS)]
    marks = {house.tenant.id: f"canary{uuid4().hex}" for house in houses}
    readable = {house.tenant.id: _furnish(house, marks[house.tenant.id], vector) for house in houses}
    every = [source for sources in readable.values() for source in sources]
    foreign = missed = 0
    for turn in range(QUESTIONS):
        house = houses[turn % TENANTS]
        with house.scope():
            # As if the list of what may be read were wrong.
            found = ranking.ranked(every, ASKED, vector, model="minilm-test", limit=6)
        told = " ".join(one.text for one in found)
        foreign += sum(mark in told for tenant_id, mark in marks.items() if tenant_id != house.tenant.id)
        missed += marks[house.tenant.id] not in told
    assert (foreign, missed) == (0, 0)


def test_a_model_is_told_its_own_tenants_passages_alone(committed: None) -> None:
    """The whole way to a model that keeps what it was told, with many on the way at once."""
    houses = [found_house(f"told{number}") for number in range(TENANTS)]
    marks = {house.tenant.slug: f"canary{uuid4().hex}" for house in houses}
    agents = [(house, _taught(house, marks[house.tenant.slug])) for house in houses]
    scripted.TOLD.clear()
    asyncio.run(_ask_all(agents))
    assert len(scripted.TOLD) == QUESTIONS
    for told in map(repr, scripted.TOLD):
        [asking] = [slug for slug in marks if f"You are {slug}." in told]
        assert [mark for mark in marks.values() if mark in told] == [marks[asking]]


async def _ask_all(agents: list[tuple[House, Agent]]) -> None:
    async def ask(house: House, agent: Agent) -> None:
        with house.scope():
            await rehearsal.rehearse(agent, ASKED)

    for _ in range(QUESTIONS // TENANTS):
        await asyncio.gather(*(ask(house, agent) for house, agent in agents))


def _taught(house: House, mark: str) -> Agent:
    agent = house.scripted("tokens=1")
    agent.instructions = f"You are {house.tenant.slug}."
    with house.scope():
        agent.save()
    house.knows(TEXT.format(mark), agents=(agent.id,))
    return agent


def test_a_search_for_another_tenants_agent_finds_nothing(houses: tuple[House, House]) -> None:
    acme, globex = houses
    globex.knows(TEXT.format("canary"))

    async def search() -> list[retrieval.Found]:
        with acme.scope():
            return await retrieval.search(globex.agent.id, ASKED)

    assert asyncio.run(search()) == []


def _furnish(house: House, mark: str, vector: list[float]) -> list[UUID]:
    with house.scope():
        source = Knowledge.objects.create(name="Returns", status="ready")
        KnowledgeLink.objects.create(agent=house.agent, knowledge=source)
        Passage.objects.create(
            knowledge_id=source.id,
            position=0,
            title="Returns",
            text=TEXT.format(mark),
            embedder="minilm-test",
            embedding=vector,
        )
        return [source.id]
