"""Why an agent said what it said, as staff and programs read it; and what it all cost."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.agents import calls, prices, statuses
from apps.agents.calls import Called
from apps.agents.models import Agent, Price
from apps.agents.providers.base import Usage
from apps.chats.models import Chat, ContentChat, Explanation
from apps.tenants.models import ApiKey
from tests.console.signing import body, browser_of
from tests.world import House


def answered(house: House) -> ContentChat:
    with house.scope():
        chat = Chat.objects.create(agent=house.agent, visitor="v", last_exchange=1)
        known = {"request": "How long?", "response": "30 days.", "state": "completed", "version": 1}
        exchange = ContentChat.objects.create(chat=chat, number=1, client_message_id="m", **known)
        passage = {
            "number": 1,
            "title": "Returns",
            "score": 0.83,
            "tokens": 9,
            "excerpt": "You have 30 days.",
        }
        failed = {
            "provider": "ollama",
            "model": "llama3.2",
            "duration_ms": 5,
            "failure": "unreachable",
            "detail": "Nobody is there.",
        }
        Explanation.objects.create(
            exchange=exchange,
            provider="builtin",
            parameters={"temperature": 0.2, "most_tokens": 1024},
            tokens={"instructions": 331},
            passages=[passage],
            attempts=[failed, failed | {"provider": "builtin", "model": "", "failure": "", "detail": ""}],
            timings={"found": 18, "first_token": 24, "total": 31},
        )
    return exchange


def test_staff_read_why(acme: House) -> None:
    exchange = answered(acme)
    staff = browser_of(acme, "staff")
    with acme.scope():
        ContentChat.objects.update(state="stopped", reason="takeover")
    page = body(staff.get(f"/console/chats/{exchange.chat_id}/1/why/"))
    for said in (
        "You have 30 days.",
        "score 0.83",
        "Nobody is there.",
        "Failed (unreachable)",
        "331",
        "24 ms",
        "stopped (takeover)",
    ):
        assert said in page
    assert f"/console/chats/{exchange.chat_id}/1/why/" in body(
        staff.get(f"/console/chats/{exchange.chat_id}/")
    )


def test_what_nobody_wrote_down_is_said_and_what_does_not_exist_is_not_found(
    acme: House, globex: House
) -> None:
    exchange = answered(acme)
    with acme.scope():
        Explanation.objects.all().delete()
    staff = browser_of(acme)
    assert "no agent answered it" in body(staff.get(f"/console/chats/{exchange.chat_id}/1/why/"))
    with acme.scope():
        ContentChat.objects.update(state="failed", reason="provider_refused")
    told = body(staff.get(f"/console/chats/{exchange.chat_id}/1/why/"))
    assert "before any model was told anything (provider_refused)" in told
    for number in (2, 99999999999):
        assert staff.get(f"/console/chats/{exchange.chat_id}/{number}/why/").status_code == 404
    theirs = answered(globex)
    assert staff.get(f"/console/chats/{theirs.chat_id}/1/why/").status_code == 404


def test_programs_read_why(acme: House, globex: House) -> None:
    exchange, theirs = answered(acme), answered(globex)
    address = "/api/v1/chats/{}/exchanges/{}/explanation"
    told = Client().get(address.format(exchange.chat_id, 1), headers=acme.headers).json()
    assert (told["version"], told["provider"], told["passages"][0]["score"]) == (1, "builtin", 0.83)
    for chat, number in ((theirs.chat_id, 1), (exchange.chat_id, 2), (exchange.chat_id, 99999999999)):
        assert Client().get(address.format(chat, number), headers=acme.headers).status_code == 404


def test_days_are_told_on_the_page_and_over_rest(acme: House, globex: House) -> None:
    for house in (acme, globex):
        with house.scope():
            took = Called("builtin", "", Usage(100, 20), is_exact=True)
            failed = Called("ollama", "x", Usage(0, 0), is_exact=False, failure="unreachable")
            calls.record(house.agent, [took, failed], version=1)
    page = body(browser_of(acme).get("/console/organisation/usage/"))
    assert page.count('data-testid="day-row"') == 1
    assert "1 failed" in page
    [day] = Client().get("/api/v1/usage/days", headers=acme.headers).json()["days"]
    assert (day["name"], day["calls"], day["failed"]) == (acme.agent.name, 2, 1)
    assert (day["input_tokens"], day["output_tokens"], day["is_exact"]) == (100, 20, False)
    assert Client().get("/api/v1/usage/days?days=0", headers=acme.headers).status_code == 422


def test_an_agent_whose_fallback_answers_says_that_its_provider_fails(acme: House) -> None:
    agent = acme.scripted("tokens=3")
    dead = Called("scripted", agent.model, Usage(0, 0), is_exact=False, failure="unreachable", detail="Gone.")
    worked = Called("builtin", "", Usage(1, 1), is_exact=True)
    with acme.scope():
        agent.fallbacks = ["builtin"]
        agent.save()
        calls.record(agent, [replace(dead, model="tried")], version=1)  # no mind of this agent any more
        calls.record(agent, [dead], version=0)  # a draft that was tried
        assert statuses.of(agent).state == "ready"
        calls.record(agent, [dead, dead, worked], version=1)
        status = statuses.of(agent)
        assert (status.state, f"scripted:{agent.model}" in status.says, "Gone." in status.says) == (
            "failing",
            True,
            True,
        )
    page = body(browser_of(acme).get("/console/agents/"))
    assert "Failing" in page
    assert "Gone." in page
    listed = Client().get("/api/v1/agents", headers=acme.headers).json()["agents"]
    [told] = [one for one in listed if one["id"] == str(agent.id)]
    assert told["status"] == {"state": "failing", "says": status.says}
    with acme.scope():
        calls.record(agent, [replace(dead, failure="", detail="")], version=1)
        assert statuses.of(agent).state == "ready"


def test_an_agent_says_why_it_cannot_answer(acme: House) -> None:
    agent = acme.scripted("tokens=3")
    with acme.scope():
        assert statuses.of(agent).state == "ready"
        slow = Called("scripted", agent.model, Usage(0, 0), is_exact=False, failure="timeout", detail="Slow.")
        calls.record(agent, [slow], version=1)
        assert (statuses.of(agent).state, "Slow." in statuses.of(agent).says) == ("failing", True)
        acme.tenant.providers = ["builtin", "openai"]
        acme.tenant.save()
        assert (statuses.of(agent).state, "Not allowed any more" in statuses.of(agent).says) == (
            "unable",
            True,
        )
        other = Agent.objects.create(name="Another", fallbacks=["openai:gpt"])
        assert (statuses.of(other).state, "Nothing is kept for openai" in statuses.of(other).says) == (
            "failing",
            True,
        )
    page = body(browser_of(acme).get(f"/console/agents/{agent.id}/"))
    assert "It cannot answer." in page
    told = Client().get(f"/api/v1/agents/{agent.id}", headers=acme.headers).json()
    assert told["status"]["state"] == "unable"


def test_the_operator_sets_prices(db: None) -> None:
    call_command("set_price", "openai:gpt*", "2.50", "10")
    call_command("set_price", "openai:gpt*", "3", "10")
    call_command("set_price", "openai:gpt-mini", "1", "2")
    assert Price.objects.count() == 2
    assert prices.cost("openai", "gpt-large", Usage(10**6, 10**6), prices.table()) == Decimal(13)
    assert prices.cost("openai", "gpt-mini", Usage(10**6, 10**6), prices.table()) == Decimal(3)


@pytest.mark.parametrize("said", ["free", "-1", "NaN", "1e30", ""])
def test_a_price_that_is_none_is_refused(db: None, said: str) -> None:
    with pytest.raises(CommandError, match="Write an amount"):
        call_command("set_price", "openai:gpt*", said, "1")
    assert not Price.objects.exists()


def test_a_key_that_only_asks_reads_no_reasons(houses: tuple[House, House]) -> None:
    acme, _ = houses
    exchange = answered(acme)
    with acme.scope():
        _, asks = ApiKey.mint("Asks", ["chat"])
    address = f"/api/v1/chats/{exchange.chat_id}/exchanges/1/explanation"
    assert Client().get(address, headers={"Authorization": f"Bearer {asks}"}).status_code == 403
