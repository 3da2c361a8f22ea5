"""What owners set for the whole organisation."""

import re
from typing import Any

import pytest

from apps.tenants.models import AuditEntry, Credential, Tenant
from tests.console.signing import body, browser_of
from tests.world import House

ADDRESS = "/console/organisation/"
FIELDS: dict[str, Any] = {
    "name": "Acme Outdoor",
    "description": "Tents",
    "locale": "de",
    "allowed_origins": "https://shop.example\r\nHTTPS://WWW.shop.example/",
    "idle_minutes": "45",
    "retention_days": "365",
    "providers": ["builtin"],
    "allowed_models": "",
}


def held(house: House) -> Tenant:
    return Tenant.objects.get(id=house.tenant.id)


def test_the_form_shows_what_holds_now(acme: House) -> None:
    page = body(browser_of(acme).get(ADDRESS))
    assert 'name="idle_minutes" value="30"' in page
    assert acme.origin in page


def test_what_is_set_is_kept_here_and_nowhere_else(acme: House, globex: House) -> None:
    before = Tenant.objects.values().get(id=globex.tenant.id)
    saved = browser_of(acme).post(ADDRESS, FIELDS, follow=True)
    assert saved.redirect_chain == [(ADDRESS, 302)]
    assert 'data-testid="saved"' in body(saved)
    tenant = held(acme)
    assert (tenant.name, tenant.locale, tenant.idle_minutes, tenant.retention_days) == (
        "Acme Outdoor",
        "de",
        45,
        365,
    )
    assert tenant.allowed_origins == ["https://shop.example", "https://www.shop.example"]
    assert not tenant.requires_two_factor
    assert Tenant.objects.values().get(id=globex.tenant.id) == before


@pytest.mark.parametrize(("wrong", "said"), [
    *(({"idle_minutes": nonsense}, "Enter a whole number of minutes, from 1 to 10080.") for nonsense in ("0", "-5", "10081", "2.5", "half an hour", "", "9" * 5000)),
    ({"name": ""}, "Enter the organisation’s name."), ({"allowed_origins": "shop.example"}, "is no origin"), ({"retention_days": "0"}, "whole number of days"),
    ({"locale": "engl ish"}, "Write a language as BCP 47 does"), ({"providers": ["elsewhere"]}, "Select a valid choice"), ({"allowed_models": "llama"}, "provider:model"),
])  # fmt: skip
def test_nonsense_is_explained_and_changes_nothing(acme: House, wrong: dict[str, Any], said: str) -> None:
    before = Tenant.objects.values().get(id=acme.tenant.id)
    refused = browser_of(acme).post(ADDRESS, FIELDS | wrong)
    assert refused.status_code == 422
    page = body(refused)
    assert len(re.findall(re.escape(said), page)) == 1
    assert "autofocus" in page
    assert Tenant.objects.values().get(id=acme.tenant.id) == before


def test_only_what_the_form_shows_can_be_set(acme: House, globex: House) -> None:
    extra = {
        "slug": "mine",
        "id": str(globex.tenant.id),
        "suspended_at": "2026-01-01",
        "sealed_identity_secret": "x",
    }
    browser_of(acme).post(ADDRESS, FIELDS | extra)
    tenant = held(acme)
    assert (tenant.slug, tenant.suspended_at, tenant.sealed_identity_secret) == (acme.tenant.slug, None, "")


def test_managers_read_and_do_not_change(acme: House) -> None:
    manager = browser_of(acme, "manager")
    page = body(manager.get(ADDRESS))
    assert "Owners change these settings" in page
    assert ">Save<" not in page
    assert "Credentials" not in page
    for path in ("", "identity/", "identity/forget/", "credentials/openai/", "credentials/openai/forget/"):
        assert manager.post(f"{ADDRESS}{path}", FIELDS).status_code == 403
    assert held(acme).name == acme.tenant.name


def test_staff_do_not_see_settings_and_that_they_tried_is_noted(acme: House) -> None:
    assert browser_of(acme, "staff").get(ADDRESS).status_code == 403
    with acme.scope():
        entry = AuditEntry.objects.get(action="page.refused")
    assert (entry.outcome, entry.facts) == ("refused", {"ability": "organisation.read", "path": ADDRESS})


def test_an_identity_secret_is_shown_once(acme: House) -> None:
    owner = browser_of(acme)
    shown = owner.post(f"{ADDRESS}identity/")
    found = re.search(r'data-testid="once"[^>]*>([\w-]+)<', body(shown))
    assert found is not None
    assert "no-store" in shown["Cache-Control"]
    assert held(acme).identity_secret == found[1]
    assert found[1] not in body(owner.get(ADDRESS))
    owner.post(f"{ADDRESS}identity/forget/")
    assert held(acme).identity_secret is None


def test_a_credential_is_written_and_never_shown(acme: House, globex: House) -> None:
    owner = browser_of(acme)
    saved = owner.post(
        f"{ADDRESS}credentials/openai/", {"openai-api_key": "sk-canary-0123-tail"}, follow=True
    )
    page = body(saved)
    assert "…tail" in page
    assert "canary" not in page
    with acme.scope():
        assert Credential.objects.get().opened() == {"api_key": "sk-canary-0123-tail"}
    assert "…tail" not in body(browser_of(globex).get(ADDRESS))
    wrong = owner.post(f"{ADDRESS}credentials/openai/", {"openai-api_key": "canary"})
    assert wrong.status_code == 422
    assert "canary" not in body(wrong)
    assert browser_of(globex).post(f"{ADDRESS}credentials/openai/forget/").status_code == 404
    owner.post(f"{ADDRESS}credentials/openai/forget/")
    with acme.scope():
        assert not Credential.objects.exists()


@pytest.mark.parametrize("provider", ["builtin", "nobody", "%00", "x" * 300])
def test_what_asks_for_no_credential_is_not_found(acme: House, provider: str) -> None:
    owner = browser_of(acme)
    assert owner.post(f"{ADDRESS}credentials/{provider}/").status_code == 404
    assert owner.post(f"{ADDRESS}credentials/{provider}/forget/").status_code == 404
