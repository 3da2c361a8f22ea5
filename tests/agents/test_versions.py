"""What staff prepare and what visitors get: drafts, and versions that nobody can change."""

from importlib import import_module

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from apps.agents import versions
from apps.agents.models import Agent, Draft, Version
from apps.tenants.models import AuditEntry
from tests.world import House


def numbers(agent: Agent) -> list[int]:
    return list(Version.objects.filter(agent=agent).order_by("number").values_list("number", flat=True))


def visitors_get(agent: Agent) -> Agent:
    return Agent.objects.get(id=agent.id)


def test_a_new_agent_has_a_version_of_what_visitors_get(acme: House) -> None:
    with acme.scope():
        agent = versions.create(name="Fern", greeting="Hello from the shop.")
        assert visitors_get(agent).version == 1
        assert versions.find(agent, 1).configuration == agent.configuration
        assert AuditEntry.objects.filter(action="agent.created", target_id=str(agent.id)).exists()


def test_what_is_prepared_reaches_visitors_when_it_is_published(acme: House) -> None:
    with acme.scope():
        before = acme.agent.greeting
        versions.edit(acme.agent, greeting="Good evening.")
        assert visitors_get(acme.agent).greeting == before
        published = versions.publish(acme.agent, note="A warmer greeting")
        assert (published.number, published.note) == (2, "A warmer greeting")
        assert visitors_get(acme.agent).greeting == "Good evening."
        assert visitors_get(acme.agent).version == 2
        assert not Draft.objects.exists()


def test_changes_are_prepared_one_beside_the_other(acme: House) -> None:
    with acme.scope():
        versions.edit(acme.agent, greeting="Good evening.")
        draft = versions.edit(acme.agent, suggestions=["What does delivery cost?"])
        assert (draft.greeting, draft.suggestions) == ("Good evening.", ["What does delivery cost?"])
        versions.discard(acme.agent)
        assert versions.draft_of(acme.agent).configuration == acme.agent.configuration


def test_a_draft_that_came_back_to_what_visitors_get_is_gone(acme: House) -> None:
    with acme.scope():
        versions.edit(acme.agent, greeting="Good evening.")
        versions.edit(acme.agent, greeting=acme.agent.greeting)
        assert not Draft.objects.exists()
        with pytest.raises(versions.NothingToPublish):
            versions.publish(acme.agent)
        assert numbers(acme.agent) == [1]


def test_rolling_back_publishes_the_old_one_anew_and_keeps_what_is_prepared(acme: House) -> None:
    with acme.scope():
        first = acme.agent.configuration
        versions.edit(acme.agent, greeting="Good evening.", temperature=0.9)
        versions.publish(acme.agent)
        versions.edit(acme.agent, refusal="No idea.")
        again = versions.roll_back(acme.agent, 1)
        assert again.number == 3
        assert again.configuration == visitors_get(acme.agent).configuration == first
        assert versions.draft_of(acme.agent).refusal == "No idea."
        assert numbers(acme.agent) == [1, 2, 3]
        with pytest.raises(versions.NothingToPublish):
            versions.roll_back(acme.agent, 1)
        with pytest.raises(versions.NoSuchVersion):
            versions.roll_back(acme.agent, 4)


def test_saving_an_agent_by_any_way_makes_a_version(acme: House) -> None:
    with acme.scope():
        acme.agent.greeting = "Good evening."
        acme.agent.save(update_fields=["greeting"])
        assert visitors_get(acme.agent).version == 2
        assert versions.find(acme.agent, 2).greeting == "Good evening."
        acme.agent.save()
        assert numbers(acme.agent) == [1, 2]


@pytest.mark.parametrize("statement", [
    "UPDATE agents_version SET greeting = 'Never said' WHERE number = 1", "UPDATE agents_version SET number = 7",
    "DELETE FROM agents_version", "TRUNCATE agents_version",
])  # fmt: skip
def test_the_database_lets_nobody_change_what_was_published(acme: House, statement: str) -> None:
    with acme.scope():
        before = Version.objects.filter(agent=acme.agent).values().get()
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            versions.find(acme.agent, 1).save()
        assert Version.objects.filter(agent=acme.agent).values().get() == before


def test_versions_go_with_their_agent(acme: House) -> None:
    with acme.scope():
        other = versions.create(name="Another")
        acme.agent.delete()
        assert list(Version.objects.values_list("agent_id", flat=True)) == [other.id]


def test_agents_from_before_there_were_versions_get_one(acme: House) -> None:
    """The statement of the migration, on an agent that has none yet."""
    migration = import_module("apps.agents.migrations.0004_versions")
    with acme.scope():
        Agent.objects.all().delete()
        Agent.objects.bulk_create([Agent(name="Old", instructions="As ever.", temperature=0.7)])
        with connection.cursor() as cursor:
            cursor.execute(migration._WHAT_VISITORS_GET_NOW)
        agent = Agent.objects.get()
        assert agent.version == 1
        assert versions.find(agent, 1).configuration == agent.configuration


@pytest.mark.parametrize(("wanted", "field", "said"), [
    ({"name": ""}, "name", "Enter a name"), ({"greeting": ""}, "greeting", "Enter a greeting"),
    ({"refusal": ""}, "refusal", "Enter what the agent says"), ({"greeting": "x" * 301}, "greeting", "at most 300"),
    ({"instructions": "x" * 20_001}, "instructions", "20000"), ({"instructions": "a\0b"}, "instructions", "null characters"),
    ({"instructions": "obey " * 1900}, "instructions", "9,000 tokens"), ({"instructions": "obey " * 60, "context_tokens": 1000}, "instructions", "2,000 tokens"),
    ({"instructions": "\ud800"}, "instructions", "halves"), ({"temperature": 2.1}, "temperature", "from 0"),
    ({"temperature": float("nan")}, "temperature", "Write a number"), ({"temperature": -0.1}, "temperature", "from 0"),
    ({"max_tokens": 0}, "max_tokens", "Choose from 1"), ({"top_p": 0.0}, "top_p", "from 0.01"), ({"top_p": 1.1}, "top_p", "from 0.01"),
    ({"context_tokens": 999}, "context_tokens", "from 1000"), ({"stop": ["a", "b", "c", "d", "e"]}, "stop", "at most 4"),
    ({"stop": ["a", "a"]}, "stop", "once"), ({"stop": ["x" * 41]}, "stop", "40"), ({"suggestions": [" "]}, "suggestions", "empty ones"),
    ({"suggestions": [str(n) for n in range(7)]}, "suggestions", "at most 6"), ({"language": "plain English"}, "language", "BCP 47"),
    ({"provider": "oracle"}, "provider", "There is no provider called 'oracle'. Choose from builtin."),
    ({"provider": "scripted"}, "provider", "may not use 'scripted'"), ({"fallbacks": ["oracle:x"]}, "fallbacks", "no provider called"),
    ({"fallbacks": ["builtin", "scripted:x"]}, "fallbacks", "may not use"), ({"fallbacks": ["builtin"] * 2}, "fallbacks", "once"),
    ({"second_message": "drop"}, "second_message", "not a valid choice"),
])  # fmt: skip
def test_what_cannot_hold_is_refused_with_a_sentence_and_changes_nothing(
    acme: House, wanted: dict[str, object], field: str, said: str
) -> None:
    with acme.scope():
        with pytest.raises(versions.BadConfiguration) as refused:
            versions.edit(acme.agent, **wanted)
        assert set(refused.value.errors) == {field}
        assert said in refused.value.errors[field][0]
        assert not Draft.objects.exists()
        with pytest.raises(versions.BadConfiguration):
            versions.create(**{"name": "Another", **wanted})
        assert Agent.objects.count() == 1


def test_instructions_that_were_too_long_already_keep_nothing_else_from_being_changed(acme: House) -> None:
    with acme.scope():
        Agent.objects.filter(id=acme.agent.id).update(instructions="obey " * 4000)
        acme.agent.refresh_from_db()
        assert versions.edit(acme.agent, greeting="Good day.").greeting == "Good day."
        with pytest.raises(versions.BadConfiguration):
            versions.edit(acme.agent, instructions="obey " * 3900)


def test_what_was_published_may_stay_though_its_mind_is_withdrawn(acme: House) -> None:
    """So that a greeting can be mended meanwhile; another forbidden mind is refused all the same."""
    agent = acme.scripted("tokens=3")
    with acme.scope():
        acme.tenant.providers = ["builtin"]
        acme.tenant.save()
        versions.edit(agent, greeting="Good evening.")
        assert versions.publish(agent).greeting == "Good evening."
        with pytest.raises(versions.BadConfiguration, match="may not use"):
            versions.edit(agent, model="tokens=4")


def test_a_version_whose_mind_is_withdrawn_is_not_published_again(acme: House) -> None:
    agent = acme.scripted("tokens=3")
    with acme.scope():
        versions.edit(agent, provider="builtin", model="")
        versions.publish(agent)
        acme.tenant.providers = ["builtin"]
        acme.tenant.save()
        with pytest.raises(versions.BadConfiguration, match="may not use"):
            versions.roll_back(agent, 1)
        assert numbers(agent) == [1, 2]


def test_the_draft_of_a_mind_that_is_withdrawn_meanwhile_is_not_published(acme: House) -> None:
    agent = acme.scripted("tokens=3")
    with acme.scope():
        versions.edit(agent, model="tokens=4")
        acme.tenant.providers = ["builtin"]
        acme.tenant.save()
        with pytest.raises(versions.BadConfiguration, match="may not use"):
            versions.publish(agent)
        assert versions.draft_of(agent).model == "tokens=4"


def test_differences_are_shown_line_by_line(acme: House) -> None:
    with acme.scope():
        versions.edit(acme.agent, instructions="Be brief.\nBe kind.")
        versions.publish(acme.agent)
        draft = versions.edit(
            acme.agent, instructions="Be brief.\nBe very kind.", temperature=0.5, hands_over=True
        )
        found = {one.field: one for one in versions.differences(versions.find(acme.agent, 2), draft)}
        assert list(found) == ["instructions", "temperature", "hands_over"]
        assert found["instructions"].lines == [(" ", "Be brief."), ("-", "Be kind."), ("+", "Be very kind.")]
        assert found["temperature"].lines == [("-", "0.2"), ("+", "0.5")]
        assert (found["hands_over"].label, found["hands_over"].lines) == (
            "Hands over",
            [("-", "no"), ("+", "yes")],
        )


def test_a_side_that_is_empty_is_told_from_an_empty_line(acme: House) -> None:
    with acme.scope():
        versions.edit(acme.agent, instructions="Be brief.\n\nBe kind.", stop=["END", "STOP"], language="de")
        second = versions.publish(acme.agent)
        draft = versions.edit(acme.agent, instructions="", stop=[], language="", temperature=None)
        found = {one.field: one.lines for one in versions.differences(second, draft)}
        assert found["instructions"] == [("-", "Be brief.\n\nBe kind."), ("+", None)]
        assert found["stop"] == [("-", "END\nSTOP"), ("+", None)]
        assert (found["language"], found["temperature"]) == (
            [("-", "de"), ("+", None)],
            [("-", "0.2"), ("+", None)],
        )


def test_the_rival_finds_no_version(acme: House, globex: House) -> None:
    with globex.scope(), pytest.raises(versions.NoSuchVersion):
        versions.find(acme.agent, 1)


def test_saving_refuses_what_the_story_refuses(acme: House) -> None:
    with acme.scope(), pytest.raises(ValidationError, match="Choose a temperature"):
        Agent.objects.create(name="Hot", temperature=3)
