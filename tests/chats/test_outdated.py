"""Which answers cited what a page says no more: whoever gave them, in whichever words, and whenever."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.chats import outdated
from apps.chats.models import Chat, ContentChat, Explanation
from apps.knowledge import library
from apps.knowledge.models import Document, Knowledge, Passage
from tests.knowledge.website import Website, again, read, running
from tests.world import House

FILLER = "Our depots are closed on Sundays and on every public holiday, as the law of the land asks. " * 5
OLD, NEW = "The blue tent costs 90 euros.", "The blue tent costs 120 euros."


@pytest.fixture
def site(settings: Any) -> Iterator[Website]:
    with running() as found:
        settings.EGRESS_ALLOW = [found.host]
        yield found


@pytest.fixture
def house(acme: House) -> Iterator[House]:
    with acme.scope():
        yield acme


@pytest.fixture
def source(house: House, site: Website) -> Knowledge:
    site.page("/", f"{FILLER} {OLD}")
    return read(library.add_website(site.url))


def answered(house: House, response: str, quote: str, *, is_explained: bool) -> ContentChat:
    document = Document.objects.get()
    entry: dict[str, Any] = {"number": 1, "quote": quote, "url": document.url}
    chat = Chat.objects.create(agent=house.agent, visitor="v")
    exchange = ContentChat.objects.create(
        chat=chat,
        number=1,
        client_message_id="m",
        request="What does it cost?",
        response=response,
        citations=[{**entry, "knowledge": str(document.knowledge_id)}],
    )
    if is_explained:
        ids = [str(one) for one in Passage.objects.values_list("id", flat=True)]
        Explanation.objects.create(exchange=exchange, passages=[{"number": 1, "passages": ids}])
    return exchange


@pytest.mark.parametrize("is_explained", [True, False])
def test_what_was_quoted_is_looked_for(
    house: House,
    site: Website,
    source: Knowledge,
    is_explained: bool,
) -> None:
    kept = "Our depots are closed on Sundays"
    answered(house, f"{kept} [1]", kept, is_explained=is_explained)
    old = answered(house, f"{OLD} [1]", OLD, is_explained=is_explained)
    assert outdated.answers(Document.objects.get()) == []
    site.page("/", f"{FILLER} {NEW}")
    again(source)
    assert outdated.answers(Document.objects.get()) == [(old, OLD)]


def test_an_answer_in_words_of_its_own_is_outdated_where_what_it_was_given_has_changed(
    house: House,
    site: Website,
    source: Knowledge,
) -> None:
    shown = Passage.objects.get().text[:300]
    assert OLD not in shown
    own = answered(house, "You pay ninety for the blue one. [1]", shown, is_explained=True)
    again(source)
    assert outdated.answers(Document.objects.get()) == []
    site.page("/", f"{FILLER} {NEW}")
    again(source)
    assert outdated.answers(Document.objects.get()) == [(own, shown)]


def test_an_answer_given_between_the_reading_and_its_publication_counts_too(
    house: House,
    site: Website,
    source: Knowledge,
) -> None:
    site.page("/", f"{FILLER} {NEW}")
    again(source)
    late = answered(house, f"{OLD} [1]", OLD, is_explained=False)
    assert late.created_at > (Document.objects.get().changed_at or late.created_at)
    assert outdated.answers(Document.objects.get()) == [(late, OLD)]
