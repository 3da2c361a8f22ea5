"""E10, F9: what was deleted does not answer while others ask, and the same question of two tenants has two answers."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from apps.knowledge import library, retrieval
from apps.knowledge.models import Passage
from tests.world import House

QUESTION = "How long do I have to return something?"


def ask(house: House) -> tuple[float, str]:
    """When it was asked, and what was found."""

    async def asked() -> list[retrieval.Found]:
        with house.scope():
            return await retrieval.search(house.agent.id, QUESTION)

    began = time.monotonic()
    return began, " ".join(one.text for one in asyncio.run(asked()))


def test_what_was_deleted_answers_nobody_who_asks_afterwards(houses: tuple[House, House]) -> None:
    acme, _ = houses
    acme.knows("You have 30 days to return something: CANARY-KEPT.", name="Kept")
    gone = acme.knows("You have 90 days to return something: CANARY-GONE.", name="Gone")
    deleted = threading.Event()
    with ThreadPoolExecutor(4) as threads:

        def keep_asking(_: int) -> list[tuple[float, str]]:
            told, last = [], False
            while not last:
                last = deleted.is_set()
                told.append(ask(acme))
            return told

        asking = threads.map(keep_asking, range(3))
        ask(acme)
        with acme.scope():
            vectors = Passage.objects.filter(knowledge_id=gone.id)
            library.remove(gone)
            assert not vectors.exists()
        acknowledged = time.monotonic()
        deleted.set()
        answers = [one for told in asking for one in told]
    assert any("CANARY-GONE" in text for _, text in answers), "nobody asked before it was deleted"
    after = [text for began, text in answers if began > acknowledged]
    assert after
    assert not any("CANARY-GONE" in text for text in after)
    assert all("CANARY-KEPT" in text for text in after)


def test_the_same_question_of_two_tenants_has_the_answer_of_each(houses: tuple[House, House]) -> None:
    acme, globex = houses
    acme.knows("You have 30 days to return something: CANARY-ACME.")
    globex.knows("You have 60 days to return something: CANARY-GLOBEX.")
    for _ in range(20):
        assert "CANARY-ACME" in ask(acme)[1]
        assert "CANARY-GLOBEX" in ask(globex)[1]
        assert "GLOBEX" not in ask(acme)[1]
