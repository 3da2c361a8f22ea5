"""Another embedder is chosen: agents answer with the old vectors until all new ones are there, and then with those."""

import asyncio
import threading
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings

from apps.agents.embedders.minilm import MiniLM
from apps.agents.words import WORD
from apps.knowledge import drafts, ingestion, library, renewal, retrieval, vectors
from apps.knowledge.models import Document, Knowledge, Passage, Sentence, Term
from apps.knowledge.turns import Endless, Turn
from apps.tenants.hops import hop
from tests.agents.test_provider_embedders import Embedding, texts_of
from tests.upstream import Script
from tests.wires import WIRES
from tests.world import House

OLD, NEW = MiniLM.model, "openai:m"
QUESTION = "Is the depot in Cork green?"
TEXTS = ("The depot in Cork is painted green.", "Returned parcels are paid back within a week.")


class Words(Embedding):
    """A second embedder: its vectors count words, by where a checksum puts them."""

    width = 384

    def vector(self, text: str) -> list[float]:
        made = [0.0] * self.width
        for word in WORD.findall(text.lower()) or ["nothing"]:
            made[zlib.crc32(word.encode()) % self.width] += 1.0
        return made


class Short(Endless):
    """Over after each piece of work."""

    def is_over(self) -> bool:
        return True


@pytest.fixture
def server(settings: LazySettings) -> Iterator[Words]:
    """In a thread of its own, since what is tried here is not asynchronous."""
    loop, running = asyncio.new_event_loop(), Words(WIRES["openai"])
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result(10)
    settings.OPENAI_URL, settings.OPENAI_API_KEY = f"http://127.0.0.1:{running.port}/v1", "key"
    yield running
    asyncio.run_coroutine_threadsafe(running.__aexit__(None, None, None), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def choose(settings: LazySettings, name: str = NEW) -> None:
    settings.EMBEDDER = name


def found(house: House, question: str) -> str:
    async def asked() -> list[retrieval.Found]:
        with house.scope():
            return await retrieval.search(house.agent.id, question)

    return " ".join(one.text for one in asyncio.run(asked()))


def models(house: House, *sources: Knowledge) -> set[str]:
    with house.scope():
        rows = Passage.objects.filter(knowledge_id__in=[one.id for one in sources])
        return set(rows.values_list("embedder", flat=True))


def turn(house: House, kind: type[Turn] = Endless) -> bool:
    with house.scope():
        return ingestion.read_next(kind())


def test_old_vectors_answer_until_all_new_ones_are_there(
    houses: tuple[House, House], server: Words, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, _ = houses
    monkeypatch.setattr(renewal, "BATCH", 1)
    sources = [acme.knows(text, name=text[:9]) for text in TEXTS]
    with acme.scope():
        before = set(Passage.objects.values_list("id", "text", "position"))
        terms = Term.objects.count()
    choose(settings)
    turns = 0
    while turn(acme, Short):
        turns += 1
        if turns <= len(TEXTS):  # each makes the vectors of one passage; the last turn switches
            asked = len(server.asked)
            assert TEXTS[0] in found(acme, "What colour is the depot in Cork?")
            assert len(server.asked) == asked, "the question was embedded by the new model"
            assert models(acme, *sources) == {OLD}
    assert turns >= len(TEXTS)
    assert models(acme, *sources) == {NEW}
    assert TEXTS[0] in found(acme, "What colour is the depot in Cork?")
    assert texts_of(server.asked[-1]) == ["What colour is the depot in Cork?"]
    with acme.scope():
        assert set(Passage.objects.values_list("id", "text", "position")) == before
        assert (Term.objects.count(), Sentence.objects.count()) == (terms, len(TEXTS))
        assert not renewal.is_due()


def test_what_is_read_meanwhile_joins_with_old_vectors_and_is_renewed_too(
    acme: House, server: Words, settings: LazySettings
) -> None:
    first = acme.knows(TEXTS[0])
    choose(settings)
    turn(acme, Short)
    second = acme.knows(TEXTS[1], name="Later")
    assert models(acme, first, second) == {OLD}
    with acme.scope():
        assert renewal.switch() is False
    assert models(acme, first, second) == {OLD}
    assert turn(acme) is False
    assert models(acme, first, second) == {NEW}
    asked = len(server.asked)
    with acme.scope():
        library.read_again(first)
    turn(acme)
    assert len(server.asked) == asked, "what says the same was embedded again"
    with acme.scope():
        assert Document.objects.get(knowledge=first).passages == 1


def test_a_draft_of_the_old_model_does_not_take_the_place_of_new_vectors(
    acme: House, server: Words, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = drafts.publish

    def switch_first(source: Knowledge) -> int | None:
        monkeypatch.setattr(drafts, "publish", publish)
        choose(settings)
        while renewal.step():
            pass
        return publish(source)

    first = acme.knows(TEXTS[0])
    monkeypatch.setattr(drafts, "publish", switch_first)
    second = acme.knows(TEXTS[1], name="Late")
    assert (models(acme, first), models(acme, second)) == ({NEW}, set())
    turn(acme)
    assert models(acme, first, second) == {NEW}


def test_a_search_that_a_switch_overtakes_asks_again(
    houses: tuple[House, House], server: Words, settings: LazySettings
) -> None:
    acme, _ = houses
    acme.knows(TEXTS[0])
    with acme.scope():
        shelf = retrieval.shelf_of(acme.agent.id)

    async def overtaken() -> list[retrieval.Found]:
        with acme.scope():
            await retrieval.search(acme.agent.id, QUESTION)
            begun = retrieval.ahead(acme.agent.id, QUESTION)
            assert begun is not None
            assert begun.model == OLD
            choose(settings)
            await hop(turn)(acme)
            return await retrieval.search(acme.agent.id, QUESTION, shelf=shelf, begun=begun)

    assert [one.text for one in asyncio.run(overtaken())] == [TEXTS[0]]


def test_a_server_that_fails_leaves_the_old_vectors_and_a_later_turn_goes_on(
    houses: tuple[House, House], server: Words, settings: LazySettings
) -> None:
    acme, _ = houses
    source = acme.knows(TEXTS[0])
    choose(settings)
    server.script = Script(status=500, refusal="out of memory")
    assert turn(acme) is False
    assert models(acme, source) == {OLD}
    assert TEXTS[0] in found(acme, "What colour is the depot in Cork?")
    server.script = Script()
    assert turn(acme) is False
    assert models(acme, source) == {NEW}


def test_what_is_read_while_the_embedder_is_away_waits_for_it(
    acme: House, server: Words, settings: LazySettings
) -> None:
    choose(settings)
    with acme.scope():
        sources = [library.add(text[:9], content=text, agents=[acme.agent.id]) for text in TEXTS]
    server.script = Script(status=503, refusal="starting")
    assert turn(acme) is False, "the sweep goes on later"
    with acme.scope():
        assert set(Knowledge.objects.values_list("status", "failure")) == {("waiting", "")}
    server.script = Script()
    assert turn(acme) is False
    assert models(acme, *sources) == {NEW}


def test_what_the_embedder_refuses_ends_with_a_reason(
    acme: House, server: Words, settings: LazySettings
) -> None:
    choose(settings)
    server.script = Script(status=404, refusal="SECRET no such model")
    source = acme.knows(TEXTS[0])
    assert (source.status, source.failure) == ("failed", ingestion.REFUSES)


def test_a_wish_that_is_taken_back_leaves_nothing(acme: House, server: Words, settings: LazySettings) -> None:
    source = acme.knows(TEXTS[0])
    choose(settings)
    turn(acme, Short)
    with acme.scope():
        assert Passage.objects.count() == 2
    choose(settings, "minilm")
    assert turn(acme) is False
    with acme.scope():
        assert (Passage.objects.get().knowledge_id, Sentence.objects.count()) == (source.id, 1)


def test_each_tenant_is_renewed_by_itself_and_what_is_removed_takes_its_copies_along(
    houses: tuple[House, House], server: Words, settings: LazySettings
) -> None:
    acme, globex = houses
    ours, theirs = acme.knows(TEXTS[0]), globex.knows(TEXTS[0])
    choose(settings)
    turn(acme)
    assert (models(acme, ours), models(globex, theirs)) == ({NEW}, {OLD})
    assert TEXTS[0] in found(globex, "What colour is the depot in Cork?")
    turn(globex, Short)
    with globex.scope():
        library.remove(theirs)
        assert not Passage.objects.exists()


def test_vectors_that_the_columns_cannot_hold_are_refused(
    acme: House, server: Words, settings: LazySettings
) -> None:
    server.width = 385
    choose(settings, "openai:wide")
    with pytest.raises(
        vectors.Unfit, match="makes vectors of 385 dimensions, and the database keeps those of 384"
    ):
        vectors.warm()
    source = acme.knows(TEXTS[0])
    assert (source.status, "385 dimensions" in source.failure) == ("failed", True)


def test_shorter_vectors_are_filled_up_and_find_the_same(
    houses: tuple[House, House], server: Words, settings: LazySettings
) -> None:
    acme, _ = houses
    server.width = 256
    source = acme.knows(TEXTS[0])
    acme.knows(TEXTS[1], name="Returns")
    choose(settings, "openai:m@256")
    turn(acme)
    assert models(acme, source) == {"openai:m@256"}
    assert {asked.json["dimensions"] for asked in server.asked} == {256}
    assert {asked.json["model"] for asked in server.asked} == {"m"}
    assert TEXTS[0] in found(acme, "What colour is the depot in Cork?")


def test_no_question_waits_for_another_one_at_a_server(
    houses: tuple[House, House], server: Words, settings: LazySettings
) -> None:
    acme, _ = houses
    acme.knows(TEXTS[0])
    choose(settings)
    turn(acme)
    server.script = Script(before=0.5)

    async def asked() -> None:
        with acme.scope():
            await asyncio.gather(*(retrieval.search(acme.agent.id, f"Is depot {n} green?") for n in range(4)))

    asyncio.run(asked())
    assert server.most_running == 4


def test_a_server_that_is_not_there_yet_stops_no_process(
    server: Words, settings: LazySettings, caplog: Any
) -> None:
    server.script = Script(status=503, refusal="starting")
    choose(settings, "openai:late")
    vectors.warm()
    assert "does not answer yet" in caplog.text
