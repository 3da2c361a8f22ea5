"""How a tenant's agents reach a provider: by what it keeps, or by what the operator gives to everybody, and never by some of each."""

from typing import Any

import pytest

from apps.agents import connections, minds
from apps.agents.providers.base import ProviderError
from apps.tenants.models import Credential
from tests.world import House


@pytest.fixture
def given(settings: Any) -> Any:
    """Everything that an operator can give."""
    settings.OLLAMA_URL, settings.OPENAI_URL, settings.OPENAI_API_KEY = (
        "http://127.0.0.1:1/",
        "http://127.0.0.1:2/v1",
        "operators-key",
    )
    settings.BEDROCK_REGION, settings.BEDROCK_PROFILE, settings.BEDROCK_ROLE = (
        "eu-central-1",
        "ours",
        "arn:aws:iam::123456789012:role/ours",
    )
    settings.SHARED_MODELS = ["ollama:*", "openai:*", "bedrock:*"]
    return settings


def test_what_the_operator_gives_is_for_whoever_keeps_nothing(acme: House, given: Any) -> None:
    with acme.scope():
        found = {name: connections.of(name, "m") for name in ("ollama", "openai", "bedrock")}
    assert all(one.is_shared and one.is_trusted for one in found.values())
    assert [found["ollama"].url, found["openai"].url] == ["http://127.0.0.1:1", "http://127.0.0.1:2/v1"]
    assert found["openai"].secret("api_key") == "operators-key"
    assert (found["bedrock"].region, found["bedrock"].profile) == ("eu-central-1", "ours")


@pytest.mark.parametrize(("provider", "kept", "url"), [
    ("openai", {"url": "https://theirs.example/v1"}, "https://theirs.example/v1"), ("openai", {"api_key": "their-own-key"}, "https://api.openai.com/v1"),
    ("ollama", {"url": "https://theirs.example/"}, "https://theirs.example"), ("ollama", {"api_key": "their-own-key"}, "https://ollama.com"),
    ("bedrock", {"access_key_id": "AKIATHEIRS", "secret_access_key": "their-own-key", "region": "us-east-1"}, ""),
])  # fmt: skip
def test_nothing_of_the_operators_goes_where_a_tenant_says(
    acme: House, globex: House, given: Any, provider: str, kept: dict[str, str], url: str
) -> None:
    with acme.scope():
        Credential.keep(provider, kept, hint="")
        found = connections.of(provider, "m")
    assert (found.url, found.is_shared, found.is_trusted, found.profile, found.role) == (
        url,
        False,
        False,
        "",
        "",
    )
    assert "operators-key" not in dict(found.secrets).values()
    with globex.scope():
        assert connections.of(provider, "m").is_shared


def test_a_server_inside_is_trusted_where_the_operator_says_so(acme: House, settings: Any) -> None:
    settings.PROVIDER_HOSTS = ["models.internal:8000"]
    with acme.scope():
        for port, is_trusted in ((8000, True), (8001, False)):
            Credential.keep("openai", {"url": f"http://models.internal:{port}/v1"}, hint="")
            assert connections.of("openai", "m").is_trusted is is_trusted


@pytest.mark.parametrize("provider", ["ollama", "openai", "bedrock"])
def test_nobody_said_how(acme: House, settings: Any, provider: str) -> None:
    settings.OLLAMA_URL = ""
    with acme.scope(), pytest.raises(ProviderError, match="Nothing is kept") as raised:
        connections.of(provider, "m")
    assert (raised.value.kind, raised.value.retryable) == ("refused", False)


def test_what_no_key_opens_any_more_is_said(acme: House, settings: Any) -> None:
    with acme.scope():
        settings.DEPLOYMENT_KEYS = ["lost"]
        Credential.keep("openai", {"api_key": "their-own-key"}, hint="")
        settings.DEPLOYMENT_KEYS = ["new"]
        with pytest.raises(ProviderError, match="DEPLOYMENT_KEYS"):
            connections.of("openai", "m")


def test_minds_that_cannot_be_reached_or_used_are_left_out(acme: House, settings: Any) -> None:
    acme.tenant.providers = ["builtin", "openai", "ollama"]
    acme.tenant.allowed_models = ["ollama:small"]
    acme.tenant.save()
    wanted = [("openai", "m"), ("bedrock", "m"), ("ollama", "big"), ("ollama", "small"), ("builtin", "")]
    with acme.scope():
        assert [str(one) for one in minds.of(wanted)] == ["ollama:small", "builtin"]
        with pytest.raises(ProviderError, match="Nothing is kept for openai"):
            minds.of(wanted[:3])
