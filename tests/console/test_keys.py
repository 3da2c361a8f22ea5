"""The page of API keys."""

import re

import pytest

from apps.tenants import access
from apps.tenants.models import ApiKey
from tests.console.signing import body, browser_of
from tests.world import House

ADDRESS = "/console/organisation/keys/"
FIELDS = {"name": "Help desk", "scopes": ["chat", "read"], "days": "30"}


def test_a_key_is_shown_once_and_listed_by_what_names_it(acme: House, globex: House) -> None:
    owner = browser_of(acme)
    shown = owner.post(ADDRESS, FIELDS)
    found = re.search(r'data-testid="once"[^>]*>([^<]+)<', body(shown))
    assert found is not None
    assert "no-store" in shown["Cache-Control"]
    admitted = access.by_key(found[1])
    assert admitted is not None
    assert admitted.may("audit.read")
    assert not admitted.may("keys.manage")
    later = body(owner.get(ADDRESS))
    assert found[1][:16] in later
    assert found[1] not in later
    assert found[1][:16] not in body(browser_of(globex).get(ADDRESS))


def test_a_revoked_key_opens_nothing(acme: House, globex: House) -> None:
    owner = browser_of(acme)
    with acme.scope():
        key = ApiKey.objects.get()
    assert browser_of(globex).post(f"{ADDRESS}{key.id}/revoke/").status_code == 404
    assert access.by_key(acme.key) is not None
    assert owner.post(f"{ADDRESS}{key.id}/revoke/").status_code == 302
    assert access.by_key(acme.key) is None
    assert "Revoked" in body(owner.get(ADDRESS))
    assert owner.post(f"{ADDRESS}{key.id}/revoke/").status_code == 404


@pytest.mark.parametrize("wrong", [{"name": ""}, {"name": "x" * 81}, {"scopes": []}, {"scopes": ["owner"]}, {"days": "-1"}, {"days": ""}])  # fmt: skip
def test_nonsense_is_explained_and_makes_no_key(acme: House, wrong: dict[str, object]) -> None:
    refused = browser_of(acme).post(ADDRESS, FIELDS | wrong)
    assert refused.status_code == 422
    assert "errorlist" in body(refused)
    with acme.scope():
        assert ApiKey.objects.count() == 1


def test_a_manager_is_offered_no_more_than_they_may_themselves(acme: House) -> None:
    manager = browser_of(acme, "manager")
    assert 'value="manage"' not in body(manager.get(ADDRESS))
    assert manager.post(ADDRESS, FIELDS | {"scopes": ["manage"]}).status_code == 422
    assert manager.post(ADDRESS, FIELDS).status_code == 200


def test_staff_see_no_keys(acme: House) -> None:
    assert browser_of(acme, "staff").get(ADDRESS).status_code == 403
