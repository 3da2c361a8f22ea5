"""A tenant's settings: what can hold is kept and written down, what cannot is explained."""

from typing import Any

import pytest

from apps.tenants import access, organisation
from apps.tenants.models import Tenant
from apps.tenants.organisation import BadSetting
from tests.tenants.acting import at_work, log, said
from tests.world import House


@pytest.mark.parametrize(("field", "value", "kept"), [
    ("name", " Acme & Sons ", "Acme & Sons"), ("description", "Tents", "Tents"), ("locale", "pt-BR", "pt-BR"),
    ("allowed_origins", ["HTTPS://Shop.Example:443/", "https://shop.example"], ["https://shop.example"]),
    ("retention_days", 30, 30), ("retention_days", None, None), ("idle_minutes", 10080, 10080), ("requires_two_factor", True, True),
    ("providers", ["builtin", "builtin"], ["builtin"]), ("allowed_models", ["ollama:llama3.2", "bedrock:*"], ["ollama:llama3.2", "bedrock:*"]),
])  # fmt: skip
def test_what_can_hold_is_kept(acme: House, globex: House, field: str, value: Any, kept: Any) -> None:
    before = Tenant.objects.values().get(id=globex.tenant.id)
    with at_work(acme):
        organisation.change(**{field: value})
        assert getattr(organisation.current(), field) == kept
    assert Tenant.objects.values().get(id=globex.tenant.id) == before


@pytest.mark.parametrize(("field", "value"), [
    ("name", " "), ("name", "x" * 121), ("name", "a\0b"), ("description", "x" * 2001), ("locale", "english please"), ("locale", ""),
    ("allowed_origins", ["shop.example"]), ("allowed_origins", ["https://shop.example/path"]), ("allowed_origins", ["null"]), ("allowed_origins", ["*"]),
    ("retention_days", 0), ("retention_days", 10**9), ("idle_minutes", 0), ("idle_minutes", 10081), ("providers", ["x" * 30]),
    ("allowed_models", ["llama"]), ("allowed_models", ["a:" + "x" * 200]),
])  # fmt: skip
def test_what_cannot_hold_is_explained_and_changes_nothing(acme: House, field: str, value: Any) -> None:
    before = Tenant.objects.values().get(id=acme.tenant.id)
    with at_work(acme), pytest.raises(BadSetting) as raised:
        organisation.change(**{field: value})
    assert raised.value.field == field
    assert Tenant.objects.values().get(id=acme.tenant.id) == before
    assert said(acme) == []


def test_the_log_says_what_held_before_and_nothing_about_what_stayed(acme: House) -> None:
    with at_work(acme):
        organisation.change(idle_minutes=45, retention_days=None)
        organisation.change(idle_minutes=45)
    [entry] = log(acme)
    assert entry.facts == {"idle_minutes": [30, 45]}


def test_an_identity_secret_is_shown_once_and_replaced(acme: House) -> None:
    with at_work(acme):
        first, second = organisation.rotate_identity_secret(), organisation.rotate_identity_secret()
        assert first != second
        assert len(second) >= 43
        tenant = organisation.current()
        assert tenant.identity_secret == second
        assert second not in tenant.sealed_identity_secret
        organisation.forget_identity_secret()
        assert organisation.current().identity_secret is None
    assert second not in str([vars(entry) for entry in log(acme)])
    assert [action for action, _ in said(acme)] == ["identity_secret.rotated"] * 2 + [
        "identity_secret.forgotten"
    ]


def test_a_suspended_tenant_lets_nobody_in_until_it_is_resumed(acme: House) -> None:
    def doors() -> list[bool]:
        admitted = (
            access.by_membership(acme.user, acme.tenant.id),
            access.by_key(acme.key),
            access.still_by_agent(acme.agent.id, acme.origin),
        )
        return [one is not None for one in admitted]

    assert doors() == [True] * 3
    organisation.suspend(acme.tenant)
    assert doors() == [False] * 3
    organisation.resume(acme.tenant)
    assert doors() == [True] * 3
    assert [action for action, _ in said(acme)] == ["organisation.suspended", "organisation.resumed"]
