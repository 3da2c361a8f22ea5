"""What both walls between tenants cost: `python -m benchmarks.walls`.

The same questions are asked as `app`, through the tenant's managers and under row-level security, and as the owner, whom no policy
asks, with the tenant written out. Statements are counted where psycopg sends them."""

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django
import psycopg

from benchmarks import harness
from benchmarks.ground import migrate
from benchmarks.harness import Benchmark
from chatwithus import embedded
from tests.folders import fresh_folder

TENANTS, CHATS, EXCHANGES = 20, 200, 5
ROUNDS = 400
QUERIES = 10  # of one request
RATIO = 1.5  # at most this many times as long


@contextmanager
def counted() -> Iterator[list[str]]:
    """Every statement that is sent meanwhile."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def noting(cursor: Any, query: Any, *args: Any, **options: Any) -> Any:
        sent.append(str(query))
        return execute(cursor, query, *args, **options)

    psycopg.Cursor.execute = noting  # type: ignore[method-assign, assignment]
    try:
        yield sent
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]


def furnish() -> Any:
    """Tenants with chats; the one in the middle is asked about."""
    from apps.chats.models import Chat, ContentChat
    from tests.world import found_house

    houses = [found_house(f"tenant{number}") for number in range(TENANTS)]
    for house in houses:
        with house.scope():
            chats = Chat.objects.bulk_create([Chat(agent=house.agent, visitor="v") for _ in range(CHATS)])
            ContentChat.objects.bulk_create(
                ContentChat(chat=chat, number=number, client_message_id=str(number), request="Why?")
                for chat in chats
                for number in range(EXCHANGES)
            )
    return houses[TENANTS // 2]


def questions(chats: Any, exchanges: Any) -> dict[str, Callable[[], Any]]:
    """What a page asks; `chats` and `exchanges` begin a query inside the tenant, whichever way."""
    some = list(chats()[:50])
    turn = iter(range(10**9))

    def one() -> Any:
        return some[next(turn) % len(some)].id

    return {
        "one chat by its id": lambda: chats().get(id=one()),
        "its exchanges": lambda: list(exchanges().filter(chat_id=one()).order_by("number")),
        "the newest 12 chats": lambda: list(chats().order_by("-last_at")[:12]),
        "how many chats are open": lambda: chats().filter(resolved_at=None).count(),
    }


def milliseconds(ask: Callable[[], Any]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def statements_of_a_request(house: Any) -> tuple[int, int]:
    """How many statements one checkout sends for QUERIES questions: in all, and beside the questions after the first of them."""
    from django.db import connection

    from apps.chats.models import Chat

    with house.scope():
        connection.close()
        with counted() as sent:
            Chat.objects.count()
            first = len(sent)
            for _ in range(QUERIES - 1):
                Chat.objects.count()
        connection.close()
    return len(sent), len(sent) - first - (QUERIES - 1)


def owner_alias(services: Any) -> str:
    """A second way into the same database: as the owner."""
    from django.db import connections

    from chatwithus.env import Environment

    entry = Environment(services.owner_environment()).postgres("OWNER_DATABASE_URL")
    known = connections.databases["default"]
    connections.databases["owner"] = {**known, **entry, "OPTIONS": known["OPTIONS"]}
    return "owner"


def measure(benchmark: Benchmark, services: Any, repeat: int) -> None:
    from django.db.models import QuerySet

    from apps.chats.models import Chat, ContentChat

    house = furnish()
    alias, tenant_id = owner_alias(services), house.tenant.id
    with house.scope():
        walled = questions(Chat.objects.all, ContentChat.objects.all)
        bare = questions(
            lambda: QuerySet(Chat, using=alias).filter(tenant_id=tenant_id),
            lambda: QuerySet(ContentChat, using=alias).filter(tenant_id=tenant_id),
        )
        for name, ask in walled.items():
            ratios = [_ratio(ask, bare[name]) for _ in range(repeat)]
            benchmark.bound(benchmark.record(f"{name}: times as long", ratios), "<=", RATIO)
    in_all, beside = statements_of_a_request(house)
    benchmark.record(f"statements of a request of {QUERIES} questions", [in_all])
    benchmark.bound(benchmark.record("round trips beside the questions after the first", [beside]), "<=", 0)


def _ratio(walled: Callable[[], Any], bare: Callable[[], Any]) -> float:
    """Asked in turn, so that the machine's moods fall on both."""
    pairs = [(milliseconds(walled), milliseconds(bare)) for _ in range(ROUNDS)]
    return statistics.median(one for one, _ in pairs) / statistics.median(other for _, other in pairs)


def main() -> int:
    chosen = harness.parser(__doc__, repeat=5).parse_args()
    benchmark = Benchmark("walls")
    with fresh_folder() as folder, embedded.started(folder) as services:
        migrate(services)
        os.environ |= {**services.environment(), "DJANGO_SETTINGS_MODULE": "chatwithus.settings"}
        django.setup()
        measure(benchmark, services, chosen.repeat)
    benchmark.note(f"{TENANTS} tenants with {CHATS} chats of {EXCHANGES} exchanges each.")
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
