"""Agents, as staff set them."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from apps.agents import versions
from apps.agents.models import Agent
from tests.console.signing import browser_of
from tests.world import PASSWORD, House

FIELDS = {
    "name": "Fern",
    "greeting": "Hello from the shop.",
    "refusal": "I do not know.",
    "instructions": "Be brief.",
    "second_message": "interrupt",
    "provider": "builtin",
    "model": "",
    "temperature": "0.5",
    "context_tokens": "4000",
    "suggestions": "What does delivery cost?\n\nWhen are you open?",
    "language": "de",
    "fallbacks": "",
    "only_from_knowledge": "on",
}
HELD = {
    "name": "Fern",
    "greeting": "Hello from the shop.",
    "refusal": "I do not know.",
    "instructions": "Be brief.",
    "second_message": "interrupt",
    "provider": "builtin",
    "model": "",
    "temperature": 0.5,
    "max_tokens": None,
    "top_p": None,
    "stop": [],
    "context_tokens": 4000,
    "suggestions": ["What does delivery cost?", "When are you open?"],
    "language": "de",
    "fallbacks": [],
    "hands_over": False,
    "only_from_knowledge": True,
}


@pytest.fixture
def staff(acme: House) -> Client:
    client = Client()
    client.post("/console/login/", {"username": acme.user.username, "password": PASSWORD})
    return client


def address(house: House) -> str:
    return f"/console/agents/{house.agent.id}/"


def kept(house: House) -> dict[str, Any]:
    """What is prepared."""
    with house.scope():
        return versions.draft_of(Agent.objects.get(id=house.agent.id)).configuration


def visitors_get(house: House) -> dict[str, Any]:
    with house.scope():
        return Agent.objects.get(id=house.agent.id).configuration


def publish(staff: Client, house: House, **fields: str) -> str:
    staff.post(address(house), FIELDS | fields)
    return staff.post(f"{address(house)}publish/", {"note": "Mended"}, follow=True).content.decode()


def test_what_staff_set_is_kept_as_a_draft_and_said_to_be_once(staff: Client, acme: House) -> None:
    before = visitors_get(acme)
    saved = staff.post(address(acme), FIELDS, follow=True)
    assert saved.redirect_chain == [(address(acme), 302)]
    assert 'data-testid="saved"' in saved.content.decode()
    assert kept(acme) == HELD
    assert visitors_get(acme) == before
    again = staff.get(address(acme)).content.decode()
    assert 'data-testid="saved"' not in again
    assert 'data-testid="draft"' in again


def test_publishing_gives_it_to_visitors(staff: Client, acme: House) -> None:
    page = publish(staff, acme)
    assert "Version 2 is published" in page
    assert 'data-testid="draft"' not in page
    assert visitors_get(acme) == HELD
    assert "Nothing is prepared" in staff.post(f"{address(acme)}publish/", follow=True).content.decode()


def test_a_note_that_is_too_long_is_refused_and_publishes_nothing(staff: Client, acme: House) -> None:
    staff.post(address(acme), FIELDS)
    refused = staff.post(f"{address(acme)}publish/", {"note": "x" * 201})
    assert refused.status_code == 422
    assert "Shorten it to 200 characters" in refused.content.decode()
    assert visitors_get(acme)["name"] != "Fern"


def test_what_a_colleague_has_prepared_meanwhile_is_not_overwritten_unseen(
    staff: Client, acme: House
) -> None:
    before, shown = visitors_get(acme), shown_on(staff.get(address(acme)))
    with acme.scope():
        versions.edit(acme.agent, greeting="A colleague's.")
    refused = staff.post(address(acme), FIELDS | {"shown": shown})
    assert refused.status_code == 422
    assert "has changed what is prepared" in refused.content.decode()
    assert "Hello from the shop." in refused.content.decode()  # nothing that was typed is lost
    assert kept(acme)["greeting"] == "A colleague's."
    told = staff.post(f"{address(acme)}publish/", {"shown": shown}, follow=True).content.decode()
    assert ("Not published." in told, visitors_get(acme)) == (True, before)
    staff.post(address(acme), FIELDS | {"shown": shown_on(refused)})
    assert kept(acme) == HELD
    staff.post(f"{address(acme)}publish/", {"shown": shown_on(staff.get(address(acme)))})
    assert visitors_get(acme) == HELD


def shown_on(page: Any) -> str:
    """What a form on it says that it shows."""
    return str(re.findall(r'name="shown" value="([^"]+)"', page.content.decode())[0])


def test_a_draft_can_be_discarded(staff: Client, acme: House) -> None:
    staff.post(address(acme), FIELDS)
    staff.post(f"{address(acme)}discard/")
    assert kept(acme) == visitors_get(acme)


def test_versions_are_listed_compared_and_published_again(staff: Client, acme: House) -> None:
    first = visitors_get(acme)
    publish(staff, acme)
    listed = staff.get(f"{address(acme)}versions/").content.decode()
    assert re.findall(r'data-testid="version-row" data-number="(\d+)"', listed) == ["2", "1"]
    assert "Mended" in listed
    assert acme.user.username in listed
    compared = staff.get(f"{address(acme)}compare/", {"before": "1", "after": "2"}).content.decode()
    for text in (escape(first["greeting"]), "Hello from the shop.", "When are you open?"):
        assert text in compared
    back = staff.post(f"{address(acme)}versions/1/back/", follow=True).content.decode()
    assert "Version 1 is published again, as version 3." in back
    assert visitors_get(acme) == first


def test_a_draft_is_compared_with_what_visitors_get(staff: Client, acme: House) -> None:
    assert "These two are the same" in staff.get(f"{address(acme)}compare/").content.decode()
    staff.post(address(acme), FIELDS)
    assert "Hello from the shop." in staff.get(f"{address(acme)}compare/").content.decode()


@pytest.mark.parametrize("query", ["before=9", "before=draft", "after=x", "after=99999999999999999999"])
def test_versions_that_do_not_exist_are_not_found(staff: Client, acme: House, query: str) -> None:
    assert staff.get(f"{address(acme)}compare/?{query}").status_code == 404
    assert staff.post(f"{address(acme)}versions/9/back/").status_code == 404
    assert staff.post(f"{address(acme)}versions/99999999999/back/").status_code == 404


def test_an_agent_is_added_with_its_first_version(staff: Client, acme: House) -> None:
    assert staff.get("/console/agents/add/").status_code == 200
    added = staff.post("/console/agents/add/", FIELDS)
    assert added.status_code == 302
    with acme.scope():
        agent = Agent.objects.get(name="Fern")
    assert added["Location"] == f"/console/agents/{agent.id}/"
    assert (agent.version, agent.configuration) == (1, HELD)
    refused = staff.post("/console/agents/add/", FIELDS | {"name": ""})
    assert (refused.status_code, "Enter a name" in refused.content.decode()) == (422, True)


def test_colleagues_without_the_right_read_and_change_nothing(acme: House) -> None:
    client = browser_of(acme, "staff")
    page = client.get(address(acme)).content.decode()
    assert "Save as a draft" not in page
    assert "Add an agent" not in client.get("/console/agents/").content.decode()
    for path in ("", "publish/", "discard/", "versions/1/back/"):
        assert client.post(f"{address(acme)}{path}", FIELDS).status_code == 403
    assert client.post("/console/agents/add/", FIELDS).status_code == 403
    assert kept(acme) == visitors_get(acme)


def test_the_temperature_may_be_left_to_the_model(staff: Client, acme: House) -> None:
    publish(staff, acme, temperature="")
    assert visitors_get(acme) == HELD | {"temperature": None}


def test_the_form_shows_what_holds_now(staff: Client, acme: House) -> None:
    page = staff.get(address(acme)).content.decode()
    for name in ("name", "greeting", "refusal", "instructions"):
        assert escape(getattr(acme.agent, name)) in page
    assert re.findall(r'<input type="radio"[^>]*value="(\w+)"[^>]* checked', page) == ["queue"]


def test_the_list_leads_to_each_agent(staff: Client, acme: House) -> None:
    page = staff.get("/console/agents/").content.decode()
    assert f'href="{address(acme)}"' in page
    assert "Waits for its turn" in page
    publish(staff, acme)
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
        ({"provider": "scripted"}, "Choose one of the list."),
        ({"temperature": "hot"}, "Enter a number from 0 to 2"),
        ({"temperature": "2.5"}, "Enter a number from 0 to 2"),
        ({"temperature": "nan"}, "Enter a number from 0 to 2"),
        ({"context_tokens": "500"}, "Choose from 1000 to 1000000 tokens."),
        ({"max_tokens": "1.5"}, "Enter a whole number of tokens"),
        ({"top_p": "0"}, "Enter a number from 0.01 to 1"),
        ({"language": "plain English"}, "such as en or pt-BR"),
        ({"fallbacks": "oracle:x"}, "There is no provider called"),
        ({"suggestions": "\n".join("abcdefg")}, "Name at most 6 questions: these are 7."),
        ({"stop": "a\na"}, "Name each of the words to stop at once."),
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
    assert all(value in page for name, value in FIELDS.items() if name not in {*fields, "suggestions"})
    assert kept(acme) == before


def test_a_form_with_nothing_in_it_is_refused(staff: Client, acme: House) -> None:
    assert staff.post(address(acme)).status_code == 422


def test_an_agent_whose_provider_was_withdrawn_can_still_be_changed(staff: Client, acme: House) -> None:
    acme.tenant.providers = []
    acme.tenant.save()
    publish(staff, acme)
    assert visitors_get(acme) == HELD


def test_only_what_the_form_shows_can_be_set(staff: Client, acme: House, globex: House) -> None:
    extra = {"version": "7", "agent": str(globex.agent.id), "tenant_id": str(globex.tenant.id)}
    publish(staff, acme, **extra)
    with acme.scope():
        agent = Agent.objects.get(id=acme.agent.id)
    assert (agent.version, agent.tenant_id) == (2, acme.tenant.id)


def test_the_rivals_agent_is_not_found(staff: Client, globex: House) -> None:
    before = kept(globex)
    for path in ("", "versions/", "compare/"):
        assert staff.get(f"{address(globex)}{path}").status_code == 404
    for path in ("", "publish/", "discard/", "versions/1/back/"):
        assert staff.post(f"{address(globex)}{path}", FIELDS).status_code == 404
    assert globex.agent.name not in staff.get("/console/agents/").content.decode()
    assert kept(globex) == before
