"""Try it: staff see what is found and why, and what would be answered; nothing of it is counted."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.agents import versions
from apps.agents.models import Agent, Call
from apps.chats.models import Chat, ContentChat
from tests.console.signing import browser_of
from tests.world import PASSWORD, House

TEXT = "You have 30 days to return something you bought from us. Returns from the United Kingdom are free."
QUESTION = "How long do I have to return something?"


@pytest.fixture
def page(houses: tuple[House, House]) -> tuple[House, Client]:
    acme, _ = houses
    acme.knows(TEXT, name="Returns")
    client = Client()
    client.post("/console/login/", {"username": acme.user.username, "password": PASSWORD})
    return acme, client


def test_staff_see_what_is_found_why_and_what_would_be_answered(page: tuple[House, Client]) -> None:
    acme, client = page
    told = client.post(f"/console/agents/{acme.agent.id}/try/", {"question": QUESTION})
    shown = told.content.decode()
    assert told.status_code == 200
    assert "You have 30 days to return something you bought from us. [1]" in shown
    assert "means nearly what was asked" in shown
    assert "Words covered" in shown
    with acme.scope():
        assert not Chat.objects.exists()
        assert not ContentChat.objects.exists()


def test_who_may_not_manage_knowledge_spends_nothing(page: tuple[House, Client]) -> None:
    acme, _ = page
    client = browser_of(acme, "staff")
    assert 'name="question"' not in client.get(f"/console/agents/{acme.agent.id}/try/").content.decode()
    answer = client.post(f"/console/agents/{acme.agent.id}/try/", {"question": QUESTION})
    assert answer.status_code == 403
    with acme.scope():
        assert not Call.objects.exists()


def test_what_is_not_sure_is_shown_and_refused(page: tuple[House, Client]) -> None:
    acme, client = page
    told = client.post(
        f"/console/agents/{acme.agent.id}/try/", {"question": "Who won the world cup in 1998?"}
    )
    shown = told.content.decode()
    assert acme.agent.refusal.split(",")[0] in shown
    assert "Nothing below was given to the agent" in shown


def test_a_draft_is_tried_before_visitors_get_it(page: tuple[House, Client]) -> None:
    acme, client = page
    with acme.scope():
        versions.edit(acme.agent, refusal="The draft does not know.")
    told = client.post(
        f"/console/agents/{acme.agent.id}/try/", {"question": "Who won the world cup in 1998?"}
    )
    assert "The draft does not know." in told.content.decode()
    assert "as the draft that waits" in told.content.decode()
    with acme.scope():
        [call] = Call.objects.all()
        assert (call.version, call.exchange, call.provider) == (0, None, "builtin")
        assert not ContentChat.objects.exists()


@pytest.mark.parametrize("limit", ["message-agent", "message-tenant"])
def test_whoever_tries_takes_of_the_limits_that_programs_have(
    page: tuple[House, Client], settings: Any, limit: str
) -> None:
    acme, client = page
    settings.LIMITS = {limit: (2, 600.0)}
    address = f"/console/agents/{acme.agent.id}/try/"
    assert [client.post(address, {"question": QUESTION}).status_code for _ in range(2)] == [200, 200]
    refused = client.post(address, {"question": QUESTION})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 300
    shown = refused.content.decode()
    assert "This is too much at once. Try again in" in shown
    assert f'value="{QUESTION}"' in shown
    program = client.post(
        f"/api/v1/agents/{acme.agent.id}/try",
        {"question": QUESTION},
        content_type="application/json",
        headers=acme.headers,
    )
    assert program.status_code == 429
    with acme.scope():
        assert Call.objects.count() == 2


def test_an_empty_question_is_explained(page: tuple[House, Client]) -> None:
    acme, client = page
    told = client.post(f"/console/agents/{acme.agent.id}/try/", {"question": " "})
    assert told.status_code == 422
    assert "The message is empty" in told.content.decode()


def test_a_rivals_agent_is_not_there(page: tuple[House, Client], houses: tuple[House, House]) -> None:
    _, client = page
    assert client.get(f"/console/agents/{houses[1].agent.id}/try/").status_code == 404


def test_why_a_mind_does_not_answer_is_said(page: tuple[House, Client]) -> None:
    acme, client = page
    broken = acme.scripted("tokens=5 fail=0")
    told = client.post(f"/console/agents/{broken.id}/try/", {"question": QUESTION})
    assert told.status_code == 200
    assert "It would not answer now. " in told.content.decode()
    assert "scripted to fail" in told.content.decode()
    program = client.post(
        f"/api/v1/agents/{broken.id}/try",
        {"question": QUESTION},
        content_type="application/json",
        headers=acme.headers,
    ).json()
    assert (program["failure"], "scripted to fail" in program["detail"]) == ("provider_unreachable", True)


def test_programs_get_the_same(houses: tuple[House, House], client: Client) -> None:
    acme, globex = houses
    acme.knows(TEXT, name="Returns")
    address = f"/api/v1/agents/{acme.agent.id}/try"
    body = {"question": QUESTION}
    told = client.post(address, body, content_type="application/json", headers=acme.headers).json()
    assert told["is_sure"] is True
    assert told["answer"].startswith("You have 30 days")
    assert [one["title"] for one in told["passages"]] == ["Returns"]
    assert [one["number"] for one in told["citations"]] == [1]
    assert 0 < told["passages"][0]["legs"]["sentence_cosine"] <= 1
    for path, key, status in (
        (address, globex.headers, 404),
        (f"/api/v1/agents/{uuid4()}/try", acme.headers, 404),
        (address, {}, 401),
    ):
        assert client.post(path, body, content_type="application/json", headers=key).status_code == status
    empty = client.post(address, {"question": ""}, content_type="application/json", headers=acme.headers)
    assert empty.status_code == 422
    with acme.scope():
        assert Agent.objects.count() == 1
        assert not Chat.objects.exists()
