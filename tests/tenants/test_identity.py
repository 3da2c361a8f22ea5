"""What a tenant's word is worth: exactly what it signed, for itself, for a while."""

import time

import pytest

from apps.tenants import identity
from tests.tokens import claims, forged, mutants, signed, vouching
from tests.world import House


def test_a_person_is_who_the_tenant_says(acme: House) -> None:
    vouching(acme)
    person = identity.read(signed(acme, name="Ada Okafor", email="ada@customer.example"), acme.tenant)
    assert (person.subject, person.name, person.email) == ("customer-7", "Ada Okafor", "ada@customer.example")
    assert person.expires_at == claims(acme)["exp"]
    assert person.vouched_by == identity.vouched_by(acme.tenant)


def test_a_server_whose_clock_is_a_little_ahead_is_believed(acme: House) -> None:
    identity.read(signed(vouching(acme), iat=int(time.time()) + 30), acme.tenant)


def test_no_mutated_token_is_believed(acme: House) -> None:
    good = signed(vouching(acme))
    identity.read(good, acme.tenant)
    bad = [token for token in mutants(good) if token != good]
    assert len(bad) >= 180
    for token in bad:
        with pytest.raises(identity.BadIdentity):
            identity.read(token, acme.tenant)


def test_no_forged_token_is_believed(acme: House, globex: House) -> None:
    vouching(acme)
    vouching(globex, "another-secret-of-a-rival-tenant-of-ours")
    for what, token in forged(acme, globex).items():
        with pytest.raises(identity.BadIdentity):
            pytest.fail(f"{what}: {identity.read(token, acme.tenant)}")


def test_a_token_of_the_rival_is_not_believed_though_both_share_a_secret(acme: House, globex: House) -> None:
    vouching(acme)
    vouching(globex)
    with pytest.raises(identity.BadIdentity):
        identity.read(signed(globex), acme.tenant)


def test_a_tenant_without_a_secret_vouches_for_nobody(acme: House) -> None:
    for secret in ("", "x" * 40):
        with pytest.raises(identity.BadIdentity, match="no identity secret"):
            identity.read(signed(acme, secret=secret), acme.tenant)


def test_a_secret_that_was_changed_is_another_one_and_resealing_changes_nothing(acme: House) -> None:
    before = identity.vouched_by(vouching(acme).tenant)
    assert identity.vouched_by(vouching(acme).tenant) == before
    assert identity.vouched_by(vouching(acme, "another-secret-that-is-long-enough").tenant) != before
