"""`Idempotency-Key`: however often and wherever a request arrives, it is one question."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from apps.api import idempotency, tasks
from apps.api.models import IdempotencyKey
from apps.chats import impressions, recall
from apps.chats.models import Chat, ContentChat
from chatwithus.embedded import Services
from tests.api.streams import ask, asking, is_problem, question, text_of, to_the_end
from tests.scripted import answer
from tests.server import Server, serving
from tests.world import House

Houses = tuple[House, House]
SLOW = "tokens=20 rate=20"


def at_once(calls: int, call: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(calls) as pool:
        return list(pool.map(call, range(calls)))


def test_two_hundred_repeats_at_once_are_one_question_and_one_answer(server: Server, houses: Houses) -> None:
    acme, _ = houses
    agent = acme.scripted(SLOW)
    key, body = str(uuid4()), {"agent": str(agent.id), "message": "Say something"}
    found = at_once(200, lambda _: ask(server, acme, body, **{"Idempotency-Key": key}))
    assert {one.status_code for one in found} == {200}
    assert len({one.text for one in found}) == 1
    assert found[0].json()["response"] == answer(SLOW)
    with acme.scope():
        exchange = ContentChat.objects.get(chat__agent=agent)  # one row …
        assert exchange.attempts == 1  # … and one call of its mind
        assert Chat.objects.filter(agent=agent).count() == 1
        assert IdempotencyKey.objects.count() == 1


def test_repeats_at_two_processes_are_one_question(
    server: Server, services: Services, houses: Houses
) -> None:
    acme, _ = houses
    agent = acme.scripted(SLOW)
    key, body = str(uuid4()), {"agent": str(agent.id), "message": "Say something"}
    with serving(services) as other:
        doors = (server, other)
        found = at_once(50, lambda n: ask(doors[n % 2], acme, body, **{"Idempotency-Key": key}))
    assert len({one.text for one in found}) == 1, [one.text for one in found]
    assert found[0].json()["response"] == answer(SLOW)
    with acme.scope():
        assert ContentChat.objects.get(chat__agent=agent).attempts == 1


def test_a_repeat_in_an_existing_chat_asks_nothing_new(server: Server, houses: Houses) -> None:
    acme, _ = houses
    session_id = ask(server, acme, question(acme)).json()["session_id"]
    body, key = question(acme, "Go on", session_id=session_id), {"Idempotency-Key": "go-on"}
    first, again = ask(server, acme, body, **key), ask(server, acme, body, **key)
    assert first.json() == again.json()
    with acme.scope():
        assert Chat.objects.get(id=session_id).last_exchange == 2


def test_the_same_key_for_another_question_is_refused(server: Server, houses: Houses) -> None:
    acme, _ = houses
    key = {"Idempotency-Key": "mine"}
    first = ask(server, acme, question(acme, "One"), **key).json()
    others = [
        question(acme, "Two"),
        question(acme, "One", session_id=first["session_id"]),
        {**question(acme, "One"), "agent": str(acme.scripted(SLOW).id)},
        {**question(acme, "One"), "client_message_id": "c1"},
        {**question(acme, "Two"), "client_message_id": "c2"},
    ]
    for body in others:
        assert is_problem(ask(server, acme, body, **key), 409, "idempotency_conflict")


def test_a_stream_that_broke_off_is_joined_by_the_same_request(server: Server, houses: Houses) -> None:
    acme, _ = houses
    script = "tokens=40 rate=40"
    body = {"agent": str(acme.scripted(script).id), "message": "Say something"}
    key = {"Idempotency-Key": str(uuid4())}
    with server.rest(acme) as client:
        with asking(client, body, **key) as heard:
            assert next(one for one in heard if one.kind == "reply.delta")
        with asking(client, body, **key) as heard:
            again = to_the_end(heard)
        whole = client.post("/api/v1/chat", json=body, headers=key).json()
    assert text_of(again) == answer(script) == whole["response"]
    with acme.scope():
        assert ContentChat.objects.get(chat=whole["session_id"]).attempts == 1


def test_a_repeat_is_answered_however_much_has_happened_since(server: Server, houses: Houses) -> None:
    acme, _ = houses
    body, key = question(acme), {"Idempotency-Key": "long ago"}
    first = ask(server, acme, body, **key).json()
    with acme.scope():
        for _ in range(recall.FARTHEST + 1):
            impressions.thumb(UUID(first["session_id"]), 1, 1)
    assert ask(server, acme, body, **key).json() == first


def test_a_failed_reply_fails_the_same_way_again(server: Server, houses: Houses) -> None:
    acme, _ = houses
    body = {"agent": str(acme.scripted("tokens=9 fail=3").id), "message": "Say something"}
    for _ in range(2):
        failed = ask(server, acme, body, **{"Idempotency-Key": "fails"})
        assert is_problem(failed, 502, "provider_unreachable")
    with acme.scope():
        assert ContentChat.objects.get().attempts == 1


def test_tenants_and_their_keys_do_not_share_idempotency_keys(server: Server, houses: Houses) -> None:
    acme, globex = houses
    key = {"Idempotency-Key": "everybody's"}
    ours, theirs = (ask(server, house, question(house), **key).json() for house in (acme, globex))
    assert ours["exchange_id"] != theirs["exchange_id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "tab\there"])
def test_a_key_that_is_none_is_explained(server: Server, houses: Houses, key: str) -> None:
    acme, _ = houses
    with server.rest(acme) as client:
        headers = {b"Idempotency-Key": key.encode("latin-1")}
        found = client.post("/api/v1/chat", json=question(acme), headers=headers)
    assert is_problem(found, 422, "invalid")
    assert found.json()["errors"][0]["location"] == "header"


def test_a_question_that_is_refused_uses_up_no_key(server: Server, houses: Houses) -> None:
    acme, _ = houses
    key = {"Idempotency-Key": "once"}
    assert is_problem(ask(server, acme, question(acme, " "), **key), 422, "message_empty")
    assert ask(server, acme, question(acme, "Something"), **key).status_code == 200


def test_keys_are_forgotten_after_a_day(acme: House) -> None:
    with acme.scope():
        for hours in (23, 25):
            known = idempotency.recall("someone", f"{hours} hours", {})
            IdempotencyKey.objects.filter(id=known.id).update(
                created_at=timezone.now() - timedelta(hours=hours)
            )
        idempotency.forget(before=timezone.now() - tasks.KEPT)
        assert IdempotencyKey.objects.count() == 1


def test_a_forgotten_key_begins_a_chat_of_its_own(server: Server, houses: Houses) -> None:
    acme, _ = houses
    key = {"Idempotency-Key": "again"}
    first = ask(server, acme, question(acme, "One"), **key).json()
    with acme.scope():
        idempotency.forget(before=timezone.now())
    second = ask(server, acme, question(acme, "Two"), **key).json()
    assert first["session_id"] != second["session_id"]
