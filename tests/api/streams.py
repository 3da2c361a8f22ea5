"""A small client of server-sent events, and the helpers that tests of the REST door share."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.client import ENDS, Frame
from tests.server import Server
from tests.world import House

PROBLEM = {"type", "title", "status", "detail", "code", "instance", "request_id", "errors"}


@dataclass(frozen=True)
class Heard:
    """One event; `id` is None where it has none of its own."""

    id: str | None
    kind: str
    data: Frame


def events(lines: Iterable[str]) -> Iterator[Heard]:
    """Events as a browser would read them; comments are passed over."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        if "data" in fields:
            yield Heard(fields.get("id"), fields["event"], json.loads(fields["data"]))
        fields = {}


@contextmanager
def asking(client: httpx.Client, body: Frame, **headers: str) -> Iterator[Iterator[Heard]]:
    """The events of `POST /chat`."""
    headers = {"Accept": "text/event-stream", **headers}
    with client.stream("POST", "/api/v1/chat", json=body, headers=headers) as response:
        if response.status_code != 200:
            response.read()
        assert response.status_code == 200, response.text
        yield events(response.iter_lines())


@contextmanager
def following(client: httpx.Client, session_id: str, last: str | None = None) -> Iterator[Iterator[Heard]]:
    """The events of a chat from `Last-Event-ID` on."""
    headers = {"Last-Event-ID": last} if last else {}
    with client.stream("GET", f"/api/v1/chats/{session_id}/events", headers=headers) as response:
        assert response.status_code == 200
        yield events(response.iter_lines())


def to_the_end(heard: Iterable[Heard]) -> list[Heard]:
    """Events up to the end of a reply."""
    found = []
    for one in heard:
        found.append(one)
        if one.kind in ENDS:
            break
    return found


def text_of(heard: Iterable[Heard]) -> str:
    return "".join(one.data["text"] for one in heard if one.kind == "reply.delta")


def question(house: House, message: str = "Say something", **fields: Any) -> Frame:
    return {"agent": str(house.agent.id), "message": message, **fields}


def ask(server: Server, house: House, body: Frame, **headers: str) -> httpx.Response:
    """On a connection of its own, however many ask at once."""
    with server.rest(house) as client:
        return client.post("/api/v1/chat", json=body, headers=headers, timeout=120)


def is_problem(response: httpx.Response, status: int, code: str) -> bool:
    assert response.headers["content-type"] == "application/problem+json", response.text
    body = response.json()
    assert set(body) - {"session_id"} == PROBLEM
    assert (response.status_code, body["status"], body["code"]) == (status, status, code), body
    return True
