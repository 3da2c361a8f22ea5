"""Where a tenant lets its agents think, by provider and model: asked when an agent is saved, and before each answer."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError

from apps.agents import minds, statuses
from apps.agents.apps import AgentsConfig
from apps.agents.models import Agent
from apps.agents.providers import catalogue
from apps.agents.providers.base import ProviderError
from apps.tenants import organisation
from apps.tenants.models import Credential
from tests.world import House


@pytest.mark.parametrize(("allowed", "provider", "model", "may"), [
    ([], "ollama", "llama3.2", True), ([], "openai", "gpt", False), (["ollama:llama3.2"], "ollama", "llama3.2", True),
    (["ollama:llama3.2"], "ollama", "llama3.3", False), (["ollama:llama*"], "ollama", "llama3.3", True), (["ollama:*"], "ollama", "x", True),
    (["bedrock:x"], "ollama", "y", True), (["ollama:x"], "builtin", "", True), (["ollama:x"], "ollama", "", False), (["ollama:x"], "ollama", "X", False),
])  # fmt: skip
def test_models_of_a_provider_that_is_named_are_those_named(
    acme: House, allowed: list[str], provider: str, model: str, may: bool
) -> None:
    acme.tenant.providers, acme.tenant.allowed_models = ["builtin", "ollama"], allowed
    assert acme.tenant.may_use(provider, model) is may


def test_an_agent_of_another_model_is_not_saved_and_not_asked(acme: House) -> None:
    agent = acme.scripted("tokens=3")
    with acme.scope():
        minds.of(agent.minds)
        acme.tenant.allowed_models = ["scripted:tokens=4"]
        acme.tenant.save()
        with pytest.raises(ProviderError, match="does not allow"):
            minds.of(agent.minds)
        with pytest.raises(ValidationError, match="may not use"):
            Agent.objects.create(name="Another", provider="scripted", model="tokens=3")


def test_a_provider_that_the_operator_took_out_leaves_the_others_their_turn(
    acme: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = acme.scripted("tokens=3")
    with acme.scope():
        agent.fallbacks = ["builtin"]
        agent.save()
        monkeypatch.delitem(catalogue.PROVIDERS, "scripted")
        assert [str(one) for one in minds.of(agent.minds)] == ["builtin"]
        with pytest.raises(ProviderError, match="no provider called 'scripted'"):
            minds.of(agent.minds[:1])
        assert statuses.of(agent).state == "failing"


@pytest.fixture
def owner(acme: House, settings: Any) -> House:
    """One whose owner allows everything that the operator's keys would pay for."""
    settings.OPENAI_URL, settings.OPENAI_API_KEY = "https://gateway.example/v1", "operators-key"
    settings.BEDROCK_REGION = "eu-central-1"
    with acme.scope():
        organisation.change(providers=["bedrock", "builtin", "ollama", "openai"], allowed_models=[])
    return acme


@pytest.mark.parametrize(("provider", "model"), [("openai", "gpt-dear"), ("bedrock", "dear")])
def test_an_owner_cannot_spend_what_the_operator_pays(owner: House, provider: str, model: str) -> None:
    with owner.scope():
        with pytest.raises(ProviderError, match="SHARED_MODELS") as raised:
            minds.of([(provider, model)])
        assert (raised.value.kind, raised.value.retryable) == ("refused", False)
        assert [str(one) for one in minds.of([(provider, model), ("ollama", "m")])] == ["ollama:m"]
        for wanted in ({"provider": provider, "model": model}, {"fallbacks": [f"{provider}:{model}"]}):
            with pytest.raises(ValidationError, match="adds its own way"):
                Agent.objects.create(name="Another", **wanted)
        Agent.objects.create(name="Third", provider="ollama", model="m", fallbacks=["builtin"])


def test_the_operator_names_what_it_gives(owner: House, settings: Any) -> None:
    settings.SHARED_MODELS = ["openai:gpt-*-mini"]
    with owner.scope():
        agent = Agent.objects.create(name="Another", provider="openai", model="gpt-5-mini")
        [mind] = minds.of(agent.minds)
        assert mind.connection.is_shared
        for provider, model in (
            ("openai", "gpt-5"),
            ("openai", ""),
            ("bedrock", "gpt-5-mini"),
            ("ollama", "m"),
        ):
            with pytest.raises(ProviderError, match="SHARED_MODELS"):
                minds.of([(provider, model)])
        settings.SHARED_MODELS = []
        with pytest.raises(ProviderError, match="SHARED_MODELS"):
            minds.of(agent.minds)
        assert statuses.of(agent).state == "unable"


def test_on_its_own_account_an_organisation_does_as_it_likes(owner: House) -> None:
    with owner.scope():
        Credential.keep("openai", {"api_key": "their-own-key"}, hint="")
        agent = Agent.objects.create(name="Another", provider="openai", model="gpt-dear")
        [mind] = minds.of(agent.minds)
    assert (mind.connection.is_shared, mind.connection.secret("api_key")) == (False, "their-own-key")


def test_a_pattern_that_would_fit_nothing_is_refused_at_the_start(settings: Any) -> None:
    settings.SHARED_MODELS = ["openai"]
    with pytest.raises(ImproperlyConfigured, match="SHARED_MODELS: write provider:model"):
        AgentsConfig.create("apps.agents").ready()
