"""Whatever writes, at once and in any order: nobody ever waits for somebody who waits for them."""

import random
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

from django.db import connections

from apps.agents import budgets
from apps.chats import conversations, handoff, retention
from apps.chats.conversations import NoSuchChat, Opening, Outcome
from apps.knowledge import ingestion, library
from apps.knowledge.models import Knowledge
from chatwithus.embedded import Services
from tests.services import CLONES
from tests.world import House

CHATS, THREADS, DEEDS = 4, 6, 40
NONE = timedelta()


class Deeds:
    """What staff, visitors and workers do, each as one of them would."""

    def __init__(self, house: House) -> None:
        self.house, self.opening = house, Opening(house.agent.id, "v_test")
        self.chats = [conversations.chat_id_for(self.opening, f"m{number}") for number in range(CHATS)]
        self.kinds: tuple[Callable[[uuid.UUID], object], ...] = (
            self.ask,
            self.ask,
            lambda chat: handoff._request(chat, None, opening=None),
            lambda chat: handoff._take_over(chat, "", user=house.user),
            lambda chat: handoff._hand_back(chat, uuid.uuid4()),
            lambda chat: handoff._resolve(chat, None, by="staff"),
            lambda chat: handoff.end_idle(idle=NONE),
            lambda chat: retention.delete_silent(NONE),
            self.read,
        )

    def ask(self, chat: uuid.UUID) -> None:
        asked = conversations.ask(
            chat, "Hello?", client_message_id=uuid.uuid4().hex, holder=uuid.uuid4(), opening=self.opening
        )
        conversations.finish(asked.exchange, Outcome("completed", response="Yes.", cuts=(4,)))

    def read(self, chat: uuid.UUID) -> None:
        source = library.add("Depots", content="The depot is green.", agents=(self.house.agent.id,))
        ingestion.read_in(source.id)
        library.remove(Knowledge.objects.get(id=source.id))

    def some(self, seed: int) -> None:
        chance = random.Random(seed)
        try:
            with self.house.scope():
                for _ in range(DEEDS):
                    self._do(chance.choice(self.kinds), chance.choice(self.chats))
        finally:
            connections.close_all()

    def _do(self, kind: Callable[[uuid.UUID], object], chat: uuid.UUID) -> None:
        with suppress(NoSuchChat):  # it is not there yet, or was deleted a moment ago
            kind(chat)


def deadlocks(services: Services) -> int:
    with services.cluster.connect("postgres") as superuser:
        counted = "SELECT sum(deadlocks) FROM pg_stat_database WHERE datname = ANY(%s)"
        row = superuser.execute(counted, [list(CLONES.values())]).fetchone()
    assert row is not None
    return int(row[0])


def test_whoever_writes_waits_for_nobody_who_waits_for_them(
    services: Services, houses: tuple[House, House]
) -> None:
    acme, before = houses[0], deadlocks(services)
    with acme.scope():
        for agent in (None, acme.agent):
            budgets.keep(agent, "day", tokens=10**9, cost=None)
    deeds = Deeds(acme)
    with ThreadPoolExecutor(THREADS) as crowd:
        list(crowd.map(deeds.some, range(THREADS)))
    assert deadlocks(services) == before
