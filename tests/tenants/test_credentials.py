"""Credentials: sealed where they are kept, shown to nobody, and moved to a new deployment key."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from apps.tenants import credentials, organisation, sealing
from apps.tenants.credentials import BadCredential
from apps.tenants.models import Credential
from tests.tenants.acting import at_work, log, said
from tests.world import House

SECRET = "sk-canary-0123456789-tail"


def kept(provider: str = "openai") -> Credential:
    return Credential.objects.get(provider=provider)


def test_what_is_kept_can_be_opened_but_not_read(acme: House) -> None:
    with at_work(acme):
        credentials.keep("openai", {"api_key": SECRET})
        assert kept().opened() == {"api_key": SECRET}
        assert kept().hint == "…tail"
        with connection.cursor() as cursor:
            cursor.execute("SELECT row_to_json(c)::text FROM tenants_credential c")
            held = str(cursor.fetchall())
    assert "canary" not in held
    assert "canary" not in str([vars(entry) for entry in log(acme)])
    assert said(acme) == [("credential.kept", "done")]


def test_a_new_one_takes_the_place_of_the_old(acme: House) -> None:
    with at_work(acme):
        credentials.keep("openai", {"api_key": SECRET})
        credentials.keep("openai", {"api_key": "another-secret"})
        assert kept().opened() == {"api_key": "another-secret"}
        credentials.forget(kept())
        assert not Credential.objects.exists()
    assert said(acme)[-1] == ("credential.forgotten", "done")


@pytest.mark.parametrize(("provider", "secrets", "field"), [
    ("builtin", {}, "provider"), ("nobody", {"api_key": SECRET}, "provider"), ("openai", {}, "api_key"),
    ("openai", {"api_key": "short"}, "api_key"), ("openai", {"api_key": "x" * 5000}, "api_key"),
    ("openai", {"api_key": "line\nbreak-line"}, "api_key"), ("bedrock", {"access_key_id": "AKIA12345678"}, "secret_access_key"),
])  # fmt: skip
def test_what_no_provider_asks_for_is_explained(
    acme: House, provider: str, secrets: dict[str, str], field: str
) -> None:
    with at_work(acme):
        with pytest.raises(BadCredential) as raised:
            credentials.keep(provider, secrets)
        assert not Credential.objects.exists()
    assert raised.value.field == field


def test_fields_that_nobody_asked_for_are_not_kept(acme: House) -> None:
    with at_work(acme):
        credentials.keep("openai", {"api_key": SECRET, "tenant": "x"})
        assert kept().opened() == {"api_key": SECRET}


def test_the_rival_has_its_own(acme: House, globex: House) -> None:
    with at_work(acme):
        credentials.keep("openai", {"api_key": SECRET})
    with globex.scope():
        assert not Credential.objects.exists()


def test_a_new_deployment_key_takes_over_while_the_old_still_opens(acme: House, settings: Any) -> None:
    others = settings.DEPLOYMENT_KEYS  # which tenants of other tests sealed with
    settings.DEPLOYMENT_KEYS = ["old"]
    with at_work(acme):
        credentials.keep("openai", {"api_key": SECRET})
        identity = organisation.rotate_identity_secret()
    settings.DEPLOYMENT_KEYS = ["new", "old", *others]
    said_by_it = StringIO()
    call_command("reseal", stdout=said_by_it)
    assert " secrets, 0 that no key opens" in said_by_it.getvalue()
    settings.DEPLOYMENT_KEYS = ["new"]
    with acme.scope():
        assert kept().opened() == {"api_key": SECRET}
        assert organisation.current().identity_secret == identity


def test_what_no_key_opens_is_named_and_left_alone(acme: House, settings: Any) -> None:
    settings.DEPLOYMENT_KEYS = ["lost"]
    with at_work(acme):
        credentials.keep("openai", {"api_key": SECRET})
        before = kept().sealed
    settings.DEPLOYMENT_KEYS = ["new"]
    errors = StringIO()
    with pytest.raises(SystemExit):
        call_command("reseal", stdout=StringIO(), stderr=errors)
    assert f"{acme.tenant.slug}: openai" in errors.getvalue()
    with acme.scope():
        assert kept().sealed == before
        with pytest.raises(sealing.Unsealable):
            kept().opened()


@pytest.mark.parametrize(("provider", "secrets"), [
    ("ollama", {"url": "https://models.example:8443/ollama"}), ("ollama", {"api_key": SECRET}), ("openai", {"url": "https://93.184.216.34/v1", "api_key": SECRET}),
    ("bedrock", {"access_key_id": "AKIA12345678", "secret_access_key": SECRET, "region": "us-gov-west-1", "role": "arn:aws:iam::123456789012:role/x/y"}),
])  # fmt: skip
def test_a_server_of_ones_own_a_key_or_both(acme: House, provider: str, secrets: dict[str, str]) -> None:
    with at_work(acme):
        credentials.keep(provider, secrets)
        assert kept(provider).opened() == secrets
        assert kept(provider).hint in {"…tail", "no key", "…5678"}


@pytest.mark.parametrize("url", [
    "http://127.0.0.1:11434", "http://localhost/v1", "http://127.1", "http://2130706433", "http://0x7f000001", "http://0177.0.0.1", "http://[::1]/", "http://[::ffff:10.0.0.1]",
    "http://169.254.169.254/latest", "http://100.64.0.1", "http://10.0.0.5:8000", "http://models.internal", "http://printer.local.", "http://intranet", "http://0",
])  # fmt: skip
def test_an_address_in_the_private_network_is_refused_unless_the_operator_allows_it(
    acme: House, url: str, settings: Any
) -> None:
    with at_work(acme):
        with pytest.raises(BadCredential, match="private network") as raised:
            credentials.keep("openai", {"url": url})
        assert raised.value.field == "url"
        settings.PROVIDER_HOSTS = ["*"]
        credentials.keep("openai", {"url": url})


def test_the_operator_allows_a_host_or_a_host_with_its_port(acme: House, settings: Any) -> None:
    settings.PROVIDER_HOSTS = ["10.0.0.5", "10.0.0.6:8000"]
    with at_work(acme):
        credentials.keep("ollama", {"url": "http://10.0.0.5:1234"})
        credentials.keep("ollama", {"url": "http://10.0.0.6:8000"})
        with pytest.raises(BadCredential):
            credentials.keep("ollama", {"url": "http://10.0.0.6:8001"})


@pytest.mark.parametrize("url", [
    "models.example", "ftp://models.example", "file:///etc/passwd", "http://", "http://models.example:0", "http://models.example:99999", "http://127.0.0.1\\@models.example",
    "http://user:secret@models.example", "http://models.example/?key=x", "http://models.example/#x", "http://mödels.example", "http://models.example/a b", "http://" + "x" * 300 + ".example",
])  # fmt: skip
def test_what_is_no_address_of_a_server_is_explained(acme: House, url: str) -> None:
    with at_work(acme):
        with pytest.raises(BadCredential) as raised:
            credentials.keep("ollama", {"url": url})
        assert not Credential.objects.exists()
    assert raised.value.field == "url"


@pytest.mark.parametrize(("field", "value"), [("region", "nowhere"), ("region", "eu-central-1.evil.example/"), ("role", "admin"), ("role", "arn:aws:iam::1:user/x")])  # fmt: skip
def test_a_region_and_a_role_are_as_aws_writes_them(acme: House, field: str, value: str) -> None:
    known = {"access_key_id": "AKIA12345678", "secret_access_key": SECRET, "region": "eu-central-1"}
    with at_work(acme), pytest.raises(BadCredential) as raised:
        credentials.keep("bedrock", known | {field: value})
    assert raised.value.field == field
