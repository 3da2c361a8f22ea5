"""Keys: nobody makes one that may do more than themselves, and one that ended opens nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.tenants import access, keyring, roles
from apps.tenants.access import Forbidden
from apps.tenants.keyring import BadKey
from apps.tenants.models import ApiKey
from tests.tenants.acting import at_work, log, said
from tests.world import House


@pytest.mark.parametrize(("role", "scopes", "is_allowed"), [
    ("owner", ["chat", "read", "manage"], True), ("manager", ["chat"], True), ("manager", ["read"], True),
    ("manager", ["manage"], False), ("staff", ["chat"], False),
])  # fmt: skip
def test_nobody_makes_a_key_that_may_do_more_than_themselves(
    acme: House, role: str, scopes: list[str], is_allowed: bool
) -> None:
    with at_work(acme, acme.colleague(role)) as by:
        if is_allowed:
            key, secret = keyring.mint("Shop", scopes, by=by)
            assert key.opens_with(secret)
        else:
            with pytest.raises(Forbidden):
                keyring.mint("Shop", scopes, by=by)
    assert said(acme) == [("key.minted", "done" if is_allowed else "refused")]


def test_a_key_makes_no_key_that_may_do_more_than_itself(acme: House) -> None:
    by = access.by_key(acme.key)
    assert by is not None
    with access.entered(by):
        keyring.mint("Like me", ["manage"], by=by)
    with acme.scope():
        _, secret = ApiKey.mint("Small", ["read"])
    small = access.by_key(secret)
    assert small is not None
    with access.entered(small), pytest.raises(Forbidden):
        keyring.mint("Big", ["read"], by=small)


def test_no_key_makes_owners() -> None:
    assert "owners.manage" not in roles.of_key(list(roles.SCOPES))


@pytest.mark.parametrize(("name", "scopes", "days", "field"), [
    (" ", ["chat"], None, "name"), ("Shop", [], None, "scopes"), ("Shop", ["owner"], None, "scopes"), ("Shop", ["chat"], 0, "expires_at"),
])  # fmt: skip
def test_what_is_no_key_is_explained(
    acme: House, name: str, scopes: list[str], days: int | None, field: str
) -> None:
    expires_at = None if days is None else timezone.now() + timedelta(days=days)
    with at_work(acme) as by, pytest.raises(BadKey) as raised:
        keyring.mint(name, scopes, expires_at, by=by)
    assert raised.value.field == field


def test_a_key_that_was_revoked_or_has_expired_opens_nothing(acme: House) -> None:
    with at_work(acme) as by:
        revoked, secret = keyring.mint("Old", ["chat"], by=by)
        _, short = keyring.mint("Short", ["chat"], timezone.now() + timedelta(hours=1), by=by)
        assert access.by_key(secret)
        assert access.by_key(short)
        keyring.revoke(revoked)
        ApiKey.objects.filter(name="Short").update(expires_at=timezone.now())
    assert access.by_key(secret) is None
    assert access.by_key(short) is None


def test_neither_the_log_nor_the_table_knows_the_secret(acme: House) -> None:
    with at_work(acme) as by:
        key, secret = keyring.mint("Shop", ["chat"], by=by)
        held = str(list(ApiKey.objects.filter(id=key.id).values()))
    assert secret[16:] not in held + str([vars(entry) for entry in log(acme)])
    assert log(acme)[0].facts == {"scopes": ["chat"], "expires_at": None}


def test_no_key_outlives_the_key_that_makes_it(acme: House) -> None:
    ends = timezone.now() + timedelta(days=30)
    with at_work(acme) as by:
        _, secret = keyring.mint("Parent", ["manage"], ends, by=by)
    parent = access.by_key(secret)
    assert parent is not None
    with access.entered(parent):
        with pytest.raises(BadKey) as refused:
            keyring.mint("Late", ["read"], ends + timedelta(seconds=1), by=parent)
        assert refused.value.field == "expires_at"
        silent, _ = keyring.mint("Silent", ["read"], by=parent)
        early, _ = keyring.mint("Early", ["read"], ends - timedelta(days=1), by=parent)
    assert silent.expires_at == pytest.approx(ends, abs=timedelta(milliseconds=1))
    assert early.expires_at == ends - timedelta(days=1)
    assert [line.facts["expires_at"] for line in log(acme, "key.minted")[1:]] == [
        key.expires_at.isoformat() for key in (silent, early) if key.expires_at
    ]
