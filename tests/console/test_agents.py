"""Agents, as staff set them."""

import re

import pytest
from django.test import Client
from django.utils.html import escape

from apps.agents.models import Agent
from tests.world import PASSWORD, House

FIELDS = {
    "name": "Fern",
    "greeting": "Hello from the shop.",
    "refusal": "I do not know.",
    "instructions": "Be brief.",
    "second_message": "interrupt",
}


@pytest.fixture
def staff(acme: House) -> Client:
    client = Client()
    client.post("/console/login/", {"username": acme.user.username, "password": PASSWORD})
    return client


def address(house: House) -> str:
    return f"/console/agents/{house.agent.id}/"


def kept(house: House) -> dict[str, str]:
    with house.scope():
        agent = Agent.objects.get(id=house.agent.id)
    return {name: getattr(agent, name) for name in FIELDS}


def test_what_staff_set_is_kept_and_said_to_be_once(staff: Client, acme: House) -> None:
    saved = staff.post(address(acme), FIELDS, follow=True)
    assert saved.redirect_chain == [(address(acme), 302)]
    assert 'data-testid="saved"' in saved.content.decode()
    assert kept(acme) == FIELDS
    assert 'data-testid="saved"' not in staff.get(address(acme)).content.decode()


def test_the_form_shows_what_holds_now(staff: Client, acme: House) -> None:
    page = staff.get(address(acme)).content.decode()
    for name in ("name", "greeting", "refusal", "instructions"):
        assert escape(getattr(acme.agent, name)) in page
    assert re.findall(r'<input type="radio"[^>]*value="(\w+)"[^>]* checked', page) == ["queue"]


def test_the_list_leads_to_each_agent(staff: Client, acme: House) -> None:
    page = staff.get("/console/agents/").content.decode()
    assert f'href="{address(acme)}"' in page
    assert "Waits for its turn" in page
    staff.post(address(acme), FIELDS)
    assert "Stops the running reply" in staff.get("/console/agents/").content.decode()


def test_without_an_agent_the_list_says_who_adds_one(staff: Client, acme: House) -> None:
    with acme.scope():
        Agent.objects.all().delete()
    assert "No agents yet" in staff.get("/console/agents/").content.decode()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": " "}, "Enter a name"),
        ({"name": "x" * 81}, "Shorten it to 80 characters: it has 81."),
        ({"greeting": ""}, "Enter a greeting"),
        ({"greeting": "x" * 301}, "Shorten it to 300 characters: it has 301."),
        ({"refusal": ""}, "Enter what the agent says"),
        ({"refusal": "x" * 301}, "Shorten it to 300 characters: it has 301."),
        ({"instructions": "a\0b"}, "Null characters"),
        ({"second_message": "drop"}, "Choose one of the two."),
        ({"second_message": ""}, "Choose one of the two."),
    ],
)
def test_nonsense_is_explained_and_changes_nothing(
    staff: Client, acme: House, fields: dict[str, str], said: str
) -> None:
    before = kept(acme)
    refused = staff.post(address(acme), FIELDS | fields)
    page = refused.content.decode()
    assert refused.status_code == 422
    assert said in page
    assert "autofocus" in page
    assert all(value in page for name, value in FIELDS.items() if name not in fields)
    assert kept(acme) == before


def test_a_form_with_nothing_in_it_is_refused(staff: Client, acme: House) -> None:
    assert staff.post(address(acme)).status_code == 422


def test_an_agent_whose_provider_was_withdrawn_can_still_be_changed(staff: Client, acme: House) -> None:
    acme.tenant.providers = []
    acme.tenant.save()
    assert staff.post(address(acme), FIELDS).status_code == 302
    assert kept(acme) == FIELDS


def test_only_what_the_form_shows_can_be_set(staff: Client, acme: House, globex: House) -> None:
    extra = {"provider": "elsewhere", "tenant_id": str(globex.tenant.id)}
    assert staff.post(address(acme), FIELDS | extra).status_code == 302
    with acme.scope():
        agent = Agent.objects.get(id=acme.agent.id)
    assert (agent.provider, agent.tenant_id) == ("builtin", acme.tenant.id)


def test_the_rivals_agent_is_not_found(staff: Client, globex: House) -> None:
    before = kept(globex)
    assert staff.get(address(globex)).status_code == 404
    assert staff.post(address(globex), FIELDS).status_code == 404
    assert globex.agent.name not in staff.get("/console/agents/").content.decode()
    assert kept(globex) == before
