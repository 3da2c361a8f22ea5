"""Where a tenant lets its agents think, by provider and model: asked when an agent is saved, and before each answer."""

import pytest
from django.core.exceptions import ValidationError

from apps.agents import minds
from apps.agents.models import Agent
from apps.agents.providers.base import ProviderError
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
