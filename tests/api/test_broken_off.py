"""An answer that was stopped in the middle is not given for a whole one, whichever door it was asked through."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from apps.chats.models import Chat
from tests.scripted import answer
from tests.server import Server, wait_until
from tests.staff import inbox
from tests.world import House

Houses = tuple[House, House]
SCRIPT = "tokens=400 rate=20"
Answered = tuple[str, str, str | None]


def chat(server: Server, house: House, agent: str) -> Answered:
    with server.rest(house) as client:
        told = client.post("/api/v1/chat", json={"agent": agent, "message": "Say something"}).json()
    return told["response"], told["state"] + " " + told["reason"], None


def completion(server: Server, house: House, agent: str) -> Answered:
    with server.rest(house) as client:
        told = client.post("/api/v1/openai/chat/completions", json=_asking(agent)).json()
    choice = told["choices"][0]
    return choice["message"]["content"], told["state"] + " " + told["reason"], choice["finish_reason"]


def stream(server: Server, house: House, agent: str) -> Answered:
    with server.rest(house) as client:
        told = client.post("/api/v1/openai/chat/completions", json=_asking(agent) | {"stream": True}).text
    *chunks, done = [line.removeprefix("data: ") for line in told.splitlines() if line]
    assert done == "[DONE]"
    choices = [json.loads(chunk)["choices"][0] for chunk in chunks]
    last = json.loads(chunks[-1])
    text = "".join(choice["delta"].get("content", "") for choice in choices)
    return text, last["state"] + " " + last["reason"], choices[-1]["finish_reason"]


def _asking(agent: str) -> dict[str, Any]:
    return {"model": agent, "messages": [{"role": "user", "content": "Say something"}]}


@pytest.mark.parametrize(
    ("door", "finish"),
    [(chat, None), (completion, "length"), (stream, "length")],
    ids=["json", "completion", "stream"],
)
def test_a_door_says_that_a_person_stepped_in(
    server: Server,
    houses: Houses,
    door: Callable[..., Answered],
    finish: str | None,
) -> None:
    acme, _ = houses
    agent = acme.scripted(SCRIPT)

    def answering() -> list[str]:
        with acme.scope():
            found = Chat.objects.filter(agent=agent, answering=1).values_list("id", flat=True)
            return [str(one) for one in found]

    with inbox(server, acme) as staff, ThreadPoolExecutor() as threads:
        asked = threads.submit(door, server, acme, str(agent.id))
        wait_until(lambda: bool(answering()))
        staff.say("take_over", chat=answering()[0])
        text, how, finished = asked.result()
    assert (how, finished) == ("stopped takeover", finish)
    assert answer(SCRIPT).startswith(text)
    assert text != answer(SCRIPT)
