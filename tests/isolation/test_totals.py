"""Each tenant's dashboard counts its own: its totals against a plain count, with random traffic in five tenants."""

import random

from django.db import connection

from apps.analysis import rollups, snapshots
from apps.chats.models import Chat, ContentChat
from tests.world import found_house


def test_totals_are_those_of_the_tenant_alone(db: None) -> None:
    houses = [found_house(f"tenant{number}") for number in range(5)]
    chance = random.Random(4)
    expected = {}
    for house in houses:
        with house.scope():
            said = 0
            for _ in range(chance.randrange(1, 6)):
                chat = Chat.objects.create(agent=house.agent, visitor="v")
                for number in range(1, chance.randrange(2, 6)):
                    exchange = ContentChat.objects.create(
                        chat=chat, number=number, client_message_id=str(number), request="?"
                    )
                    said += 1
            rollups.refresh(exchange.created_at)
            expected[house.tenant.id] = said
    for house in houses:
        with house.scope():
            shown = snapshots.take()
            assert shown["today"]["exchanges"] == expected[house.tenant.id] == _counted("chats_contentchat")
            assert shown["today"]["chats"] == _counted("chats_chat")
            assert {row["agent"] for row in shown["latest"]} == {house.agent.name}


def _counted(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])
