"""Replies as server-sent events: asked for, broken off, continued elsewhere."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from uuid import uuid4

import httpx
import pytest

from apps.chats.models import ContentChat
from chatwithus.embedded import Services
from tests.api.streams import (
    Heard,
    ask,
    asking,
    events,
    following,
    is_problem,
    question,
    text_of,
    to_the_end,
)
from tests.client import Transcript
from tests.scripted import answer
from tests.server import Server, serving
from tests.world import House

Houses = tuple[House, House]
SCRIPT = "tokens=60 rate=60"


def acted(house: House, script: str = SCRIPT) -> dict[str, str]:
    return {"agent": str(house.scripted(script).id), "message": "Say something"}


def positions(heard: list[Heard]) -> list[tuple[int, ...]]:
    return [tuple(map(int, one.id.split("."))) for one in heard if one.id is not None]


def test_a_reply_is_told_as_it_comes(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.rest(acme) as client, asking(client, acted(acme)) as told:
        heard = list(told)
    kinds = [one.kind for one in heard]
    deltas = [one for one in heard if one.kind == "reply.delta"]
    assert [kinds[0], *kinds[-2:]] == ["ack", "reply.citations", "reply.completed"]
    assert len(deltas) > 5
    assert [one.data["index"] for one in deltas] == list(range(len(deltas)))
    assert text_of(heard) == answer(SCRIPT)
    assert positions(heard) == sorted(positions(heard))
    assert [one.data["seq"] for one in heard if "seq" in one.data and one.kind != "ack"] == [1, 2, 3]


def test_a_stream_says_that_nobody_may_keep_or_change_it(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with (
        server.rest(acme) as client,
        client.stream("POST", "/api/v1/chat", json={**question(acme), "stream": True}) as response,
    ):
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["cache-control"] == "no-cache, no-transform"
        assert response.headers["x-accel-buffering"] == "no"
        assert to_the_end(events(response.iter_lines()))[-1].kind == "reply.completed"


@pytest.mark.parametrize(
    ("accept", "stream", "kind"),
    [
        ("*/*", None, "application/json"),
        ("text/event-stream", None, "text/event-stream"),
        ("application/json", True, "text/event-stream"),
        ("text/event-stream", False, "application/json"),
    ],
)
def test_who_asks_says_how_to_be_answered(
    server: Server, houses: Houses, accept: str, stream: bool | None, kind: str
) -> None:
    acme, _ = houses
    found = ask(server, acme, question(acme, stream=stream), Accept=accept)
    assert found.headers["content-type"].partition(";")[0] == kind


def test_what_is_wrong_with_a_question_is_no_stream(server: Server, houses: Houses) -> None:
    acme, globex = houses
    sse = {"Accept": "text/event-stream"}
    assert is_problem(ask(server, acme, question(acme, ""), **sse), 422, "message_empty")
    assert is_problem(ask(server, acme, question(globex), **sse), 404, "not_found")
    assert is_problem(ask(server, acme, question(acme, session_id=str(uuid4())), **sse), 404, "not_found")


def test_a_stream_cut_after_any_event_goes_on_without_a_gap_in_another_process(
    server: Server, services: Services, houses: Houses
) -> None:
    """Each round hears one event more before the line is cut; what follows comes from the other process."""
    acme, _ = houses
    script = "tokens=30 rate=60 text=unicode"
    with serving(services) as other, server.rest(acme) as here, other.rest(acme) as there:
        for count in range(1, 12):
            with asking(here, acted(acme, script)) as told:
                heard = [one for one, _ in zip(told, range(count), strict=False)]
            session_id = heard[0].data["chat"]
            with following(there, session_id, heard[-1].id) as told:
                rest = to_the_end(told)
            assert rest[0].kind == "welcome"
            assert rest[0].data["recovered"] is True
            assert text_of([*heard, *rest]) == answer(script), count
            indexes = [one.data["index"] for one in [*heard, *rest] if one.kind == "reply.delta"]
            assert indexes == list(range(len(indexes)))


def test_a_chat_is_followed_from_now_on_or_from_any_event(server: Server, houses: Houses) -> None:
    acme, _ = houses
    body = acted(acme)
    with server.rest(acme) as client:
        with asking(client, body) as told:
            first = list(told)
        session_id = first[0].data["chat"]
        with following(client, session_id) as told:
            welcome = next(told)
            assert [one["response"] for one in welcome.data["messages"]] == [answer(SCRIPT)]
            client.post("/api/v1/chat", json={**body, "session_id": session_id})
            second = to_the_end(told)
        assert second[0].kind == "message"
        assert text_of(second) == answer(SCRIPT)
        for at, one in enumerate(first):
            with following(client, session_id, one.id) as told:
                retold = [next(told), *to_the_end(told)]
            exchange = 1 if one is not first[-1] else 2
            known = [known for known in [*first[: at + 1], *retold] if known.data.get("exchange") == exchange]
            assert text_of(known) == answer(SCRIPT), one


def test_who_comes_in_the_middle_of_a_reply_gets_all_of_it(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.rest(acme) as client, asking(client, acted(acme)) as told:
        begun = [one for one, _ in zip(told, range(6), strict=False)]
        with following(client, begun[0].data["chat"]) as late:
            welcome = next(late)
            assert welcome.data["messages"][0]["state"] == "running"
            assert text_of(to_the_end(late)) == answer(SCRIPT)
        with following(client, begun[0].data["chat"], welcome.id) as later:
            again = [next(later), *to_the_end(later)]
    assert text_of(again) == answer(SCRIPT)


def test_events_keep_the_rules_of_the_protocol(server: Server, houses: Houses) -> None:
    """What the reference client makes of them is what was said."""
    acme, _ = houses
    body = acted(acme)
    with server.rest(acme) as client:
        session_id = client.post("/api/v1/chat", json=body).json()["session_id"]
        transcript = Transcript()
        with following(client, session_id) as told:
            assert not transcript.apply(next(told).data)
            client.post("/api/v1/chat", json={**body, "session_id": session_id})
            assert not any(transcript.apply(one.data) for one in to_the_end(told))
    assert [one.response for one in transcript.exchanges.values()] == [answer(SCRIPT)] * 2


@pytest.mark.parametrize("last", ["1", "1.2.3", "a.b.c.d", "-1.0.0.0", "1.1.1.-2", "1.1.1.1.1", "9" * 40 + ".0.0.0", "١.0.0.0", "1. 1.1.1"])  # fmt: skip
def test_a_last_event_id_that_is_none_is_explained(server: Server, houses: Houses, last: str) -> None:
    acme, _ = houses
    session_id = ask(server, acme, question(acme)).json()["session_id"]
    with server.rest(acme) as client:
        found = client.get(f"/api/v1/chats/{session_id}/events", headers={b"Last-Event-ID": last.encode()})
    assert is_problem(found, 422, "invalid")


def test_an_empty_last_event_id_counts_as_none(server: Server, houses: Houses) -> None:
    acme, _ = houses
    session_id = ask(server, acme, question(acme)).json()["session_id"]
    path, empty = f"/api/v1/chats/{session_id}/events", {"Last-Event-ID": ""}
    with server.rest(acme) as client, client.stream("GET", path, headers=empty) as response:
        assert next(events(response.iter_lines())).data["messages"][0]["state"] == "completed"


def test_an_event_that_never_was_is_said_to_be_unknown(server: Server, houses: Houses) -> None:
    """A gap is said, never hidden: everything is told anew."""
    acme, _ = houses
    session_id = ask(server, acme, question(acme)).json()["session_id"]
    for last in ("99.0.0.-1", "3.7.7.7", "999999999999999.999999999.999999999.999999999"):
        with server.rest(acme) as client, following(client, session_id, last) as told:
            welcome = next(told)
        assert welcome.data["recovered"] is False, last
        assert len(welcome.data["messages"]) == 1


def test_a_reader_who_hangs_up_does_not_stop_the_reply(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.rest(acme) as client:
        with asking(client, acted(acme)) as told:
            session_id = next(told).data["chat"]
        with following(client, session_id) as told:
            to_the_end(told)
    with acme.scope():
        assert ContentChat.objects.get(chat=session_id).response == answer(SCRIPT)


def test_fifty_streams_live_on_a_pool_of_four(services: Services, houses: Houses) -> None:
    """A stream gives its database connection back before its first byte."""
    acme, _ = houses
    body = acted(acme, "tokens=100 rate=20")
    with serving(services, DATABASE_POOL_SIZE="4") as small, small.rest(acme) as client:
        session_id = ask(small, acme, acted(acme)).json()["session_id"]

        def begin(number: int) -> Heard:
            told = (
                asking(client, body)
                if number % 2
                else following(client, session_id, None if number % 4 else "0.0.0.-1")
            )
            opened.append(told)
            return next(one for one in told.__enter__() if one.kind in {"reply.delta", "welcome"})

        opened: list[object] = []
        client.timeout = httpx.Timeout(30)
        with ThreadPoolExecutor(50) as pool:
            assert len(list(pool.map(begin, range(50)))) == 50
            began = time.monotonic()
            assert ask(small, acme, question(acme)).status_code == 200
            assert time.monotonic() - began < 5  # a starved pool would let it wait for ten
            for told in opened:
                told.__exit__(None, None, None)  # type: ignore[attr-defined]


def test_a_silent_stream_shows_that_it_lives(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with (
        server.rest(acme) as client,
        client.stream("POST", "/api/v1/chat", json={**acted(acme, "stall=0"), "stream": True}) as response,
    ):
        lines = list(takewhile(lambda line: line != ": ping", response.iter_lines()))
    assert "event: ack" in lines


def test_streams_end_when_the_server_stops(services: Services, houses: Houses) -> None:
    """Their readers come back elsewhere; a program that waits for a whole answer is told to ask again."""
    acme, _ = houses
    body = acted(acme, "tokens=2000 rate=20")
    with (
        serving(services, FINISH_SECONDS="2") as leaving,
        leaving.rest(acme) as client,
        ThreadPoolExecutor(1) as pool,
        asking(client, body) as told,
    ):
        next(told)
        waiting = pool.submit(ask, leaving, acme, body, **{"Idempotency-Key": str(uuid4())})
        while not _is_asked(acme, 2):
            time.sleep(0.05)
        leaving.web.process.terminate()
        assert [one.kind for one in told][-1] == "reply.delta"
        assert is_problem(waiting.result(), 503, "interrupted")
        with acme.scope():
            assert ContentChat.objects.filter(chat=waiting.result().json()["session_id"]).count() == 1
        assert waiting.result().headers["retry-after"] == "1"


def _is_asked(house: House, count: int) -> bool:
    with house.scope():
        return ContentChat.objects.count() == count
