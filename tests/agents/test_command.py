"""Agents from a terminal: what the pages do, under the name of whoever typed it."""

import getpass
import io
import json
import uuid
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from apps.agents import versions
from apps.agents.models import Agent
from apps.tenants import organisation
from apps.tenants.models import AuditEntry, Tenant
from tests.world import House


@pytest.fixture
def typed(acme: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(*command: object, said: object = None) -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(said if isinstance(said, str) else json.dumps(said)))
        told = io.StringIO()
        call_command("agent", acme.tenant.slug, *map(str, command), stdout=told)
        return told.getvalue().strip()

    return run


def test_an_agent_is_edited_published_and_taken_back(acme: House, typed: Any) -> None:
    agent = acme.agent.id
    assert typed("list") == f"{agent}  version 1  ready  {acme.agent.name}"
    assert typed("edit", agent, said={"greeting": "Good day.", "temperature": 0.7}) == (
        "Prepared: temperature, greeting"
    )
    assert json.loads(typed("show", agent))["greeting"] == "Hello. What would you like to know?"
    assert json.loads(typed("show", agent, "--draft"))["greeting"] == "Good day."
    assert typed("publish", agent, "--note", "Warmer") == f"Published: {acme.agent.name}, version 2"
    typed("rollback", agent, 1)
    assert json.loads(typed("show", agent))["greeting"] == "Hello. What would you like to know?"
    assert json.loads(typed("show", agent, "--version-number", 2))["greeting"] == "Good day."
    with acme.scope():
        noted = AuditEntry.objects.filter(action__startswith="agent.").order_by("at")
        assert [one.action for one in noted] == ["agent.edited", "agent.published", "agent.published"]
        assert {(one.actor_kind, one.actor_name) for one in noted} == {("command", getpass.getuser())}


def test_the_list_says_what_is_wrong(acme: House, typed: Any) -> None:
    with acme.scope():
        acme.tenant.providers = ["ollama"]
        acme.tenant.save()
    assert f"unable  {acme.agent.name}: Not allowed any more: " in typed("list")


def test_a_name_steers_no_terminal_and_looks_like_no_other_line(acme: House, typed: Any) -> None:
    name = "A\x1b[2J\x9b1mB\u202eC\nD\U000e0041 👩‍👩‍👧"
    with acme.scope():
        Agent.objects.filter(id=acme.agent.id).update(name=name, greeting=name)
    [line] = typed("list").splitlines()
    assert line.endswith("A\\u001b[2J\\u009b1mB\\u202eC\\nD\\udb40\\udc41 👩\\u200d👩\\u200d👧")
    shown = typed("show", acme.agent.id)
    assert all(letter.isprintable() or letter == "\n" for letter in shown)
    assert json.loads(shown)["greeting"] == name


def test_what_is_shown_can_be_edited_and_added(acme: House, typed: Any) -> None:
    whole = json.loads(typed("show", acme.agent.id))
    assert "nothing" in typed("edit", acme.agent.id, said=whole)
    added = typed("add", said=whole | {"name": "Second"})
    assert json.loads(typed("show", added)) == whole | {"name": "Second"}


@pytest.mark.parametrize(("command", "said", "refused"), [
    (["edit", "ID"], "{", "JSON object"), (["edit", "ID"], [1], "JSON object"), (["edit", "ID"], {"colour": "red"}, "no field 'colour'"),
    (["edit", "ID"], {"temperature": 9}, "from 0"), (["edit", "ID"], {"provider": "oracle"}, "no provider called"), (["publish", "ID"], None, "Nothing is prepared"),
    (["rollback", "ID", "7"], None, "no version 7"), (["show", str(uuid.uuid4())], None, "no agent"), (["add"], {"name": ""}, "Enter a name"),
    (["edit", "ID"], {"instructions": 5}, "instructions"), (["edit", "ID"], {"stop": "END"}, "stop"), (["edit", "ID"], {"stop": [{}]}, "stop"),
    (["edit", "ID"], {"refusal": None}, "refusal"), (["edit", "ID"], {"fallbacks": None}, "fallbacks"),
])  # fmt: skip
def test_what_cannot_be_is_refused_in_words_and_changes_nothing(
    acme: House, typed: Any, command: list[str], said: object, refused: str
) -> None:
    with pytest.raises(CommandError, match=refused):
        typed(*(str(acme.agent.id) if word == "ID" else word for word in command), said=said)
    with acme.scope():
        assert [one.version for one in Agent.objects.all()] == [1]
        assert not versions.draft_of(acme.agent).edited_by


def test_another_organisations_agent_is_none(acme: House, globex: House, typed: Any) -> None:
    with pytest.raises(CommandError, match="no agent"):
        typed("show", globex.agent.id)


def test_an_agent_that_is_added_thinks_where_the_operator_says(acme: House, settings: LazySettings) -> None:
    settings.DEFAULT_MIND = "ollama:llama3.2"
    with acme.scope():
        assert versions.create(name="Not allowed").minds == [("builtin", "")]
    Tenant.objects.filter(id=acme.tenant.id).update(providers=["builtin", "ollama"])
    with acme.scope():
        assert versions.create(name="New").minds == [("ollama", "llama3.2")]
        assert versions.create(name="Own", provider="builtin").minds == [("builtin", "")]
    body = json.dumps({"name": "Over REST"})
    added = Client().post("/api/v1/agents", body, content_type="application/json", headers=acme.headers)
    assert (added.json()["provider"], added.json()["model"]) == ("ollama", "llama3.2")
    assert organisation.open_one("initech", "Initech").providers == ["builtin", "ollama"]
