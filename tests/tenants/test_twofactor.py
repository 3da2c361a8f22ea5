"""The second factor: six digits of now, each used once, or a code from paper; wrong ones make one wait."""

from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection
from django_otp.plugins.otp_totp.models import TOTPDevice

from apps.tenants import twofactor
from apps.tenants.models import Phone
from apps.tenants.sealing import Unsealable
from apps.tenants.twofactor import WrongCode
from tests.tenants.phone import code, set_up, wait_over
from tests.world import House


def test_it_is_on_once_it_was_shown_to_work(acme: House) -> None:
    session: dict[str, Any] = {}
    device = twofactor.begin(acme.user)
    assert twofactor.device_of(acme.user) is None
    assert twofactor.begin(acme.user).key == device.key
    with pytest.raises(WrongCode):
        twofactor.confirm(acme.user, session, "000000")
    assert twofactor.device_of(acme.user) is None
    assert session == {}
    wait_over(acme.user)
    codes = twofactor.confirm(acme.user, session, code(device))
    assert len(set(codes)) == 10
    assert twofactor.holds(session, acme.user)
    assert not twofactor.holds({}, acme.user)


def test_a_code_counts_once(acme: House) -> None:
    set_up(acme.user)
    now = code(twofactor.device_of(acme.user))
    twofactor.check(acme.user, now)
    with pytest.raises(WrongCode):
        twofactor.check(acme.user, now)


def test_a_recovery_code_counts_once_however_it_is_typed(acme: House) -> None:
    paper = set_up(acme.user)
    twofactor.check(acme.user, paper[0].upper().replace("-", " "))
    with pytest.raises(WrongCode):
        twofactor.check(acme.user, paper[0])
    wait_over(acme.user)
    twofactor.check(acme.user, paper[1])
    assert twofactor.recovery_codes_left(acme.user) == 8


def test_new_recovery_codes_end_the_old(acme: House) -> None:
    old, new = set_up(acme.user), twofactor.new_recovery_codes(acme.user)
    with pytest.raises(WrongCode):
        twofactor.check(acme.user, old[0])
    wait_over(acme.user)
    twofactor.check(acme.user, new[0])


def test_whoever_guesses_waits(acme: House) -> None:
    set_up(acme.user)
    for _ in range(3):
        with pytest.raises(WrongCode):
            twofactor.check(acme.user, "123456")
    with pytest.raises(WrongCode):
        twofactor.check(acme.user, code(twofactor.device_of(acme.user)))
    wait_over(acme.user)
    twofactor.check(acme.user, code(twofactor.device_of(acme.user)))


@pytest.mark.parametrize(
    "said", ["", "x", "12345", "1234567", "١٢٣٤٥٦", "-00001", "\0", "9" * 5000, "0x1234"]
)
def test_nonsense_is_no_code(acme: House, said: str) -> None:
    set_up(acme.user)
    with pytest.raises(WrongCode):
        twofactor.check(acme.user, said)


def test_no_recovery_code_stands_in_the_database(acme: House) -> None:
    paper = set_up(acme.user)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT token FROM otp_static_statictoken JOIN otp_static_staticdevice device ON device.id = device_id WHERE user_id = %s",
            [acme.user.pk],
        )
        held = {token for (token,) in cursor.fetchall()}
    assert len(held) == 10
    assert not held & {one.replace("-", "") for one in paper}


def test_a_tenant_that_requires_it_lets_nobody_in_without(acme: House, globex: House) -> None:
    acme.tenant.requires_two_factor = True
    acme.tenant.save()
    assert not twofactor.holds({}, acme.user, acme.tenant)
    assert twofactor.holds({}, globex.user, globex.tenant)
    assert twofactor.is_required_of(acme.user)
    assert not twofactor.is_required_of(globex.user)


def test_somebody_elses_device_shows_nothing(acme: House, globex: House) -> None:
    set_up(acme.user)
    session: dict[str, Any] = {}
    set_up(globex.user, session)
    assert twofactor.holds(session, globex.user)
    assert not twofactor.holds(session, acme.user)


def test_the_address_is_what_apps_scan(acme: House) -> None:
    device = twofactor.begin(acme.user)
    address = twofactor.address(device)
    assert address.startswith("otpauth://totp/Chat%20With%20Us%3A")
    assert f"secret={twofactor.secret(device)}" in address
    assert "<svg" in twofactor.qr(device)
    assert TOTPDevice.objects.get(user=acme.user).confirmed is False


def kept(user: Any) -> str:
    return str(TOTPDevice.objects.values_list("key", flat=True).get(user=user))


def test_the_secret_of_a_phone_lies_sealed_in_the_database(acme: House, globex: House) -> None:
    device = twofactor.begin(acme.user)
    seed = device.bin_key.hex()
    assert len(seed) == 40
    assert seed not in kept(acme.user)
    set_up(acme.user)
    assert seed not in kept(acme.user)
    set_up(globex.user)
    stolen = Phone(user_id=globex.user.pk, key=kept(acme.user))
    with pytest.raises(Unsealable):
        _ = stolen.bin_key  # it is of use for nobody else's account


def test_deployment_keys_are_changed_while_people_sign_in(acme: House, settings: LazySettings) -> None:
    settings.DEPLOYMENT_KEYS = ["the old key of this installation"]
    paper = set_up(acme.user)
    settings.DEPLOYMENT_KEYS = ["a new key in front of it", "the old key of this installation"]
    twofactor.check(acme.user, code(twofactor.device_of(acme.user)))
    assert acme.user.username not in twofactor.reseal()[1]
    settings.DEPLOYMENT_KEYS = ["a new key in front of it"]
    twofactor.check(acme.user, code(twofactor.device_of(acme.user)))
    settings.DEPLOYMENT_KEYS = ["a key that never sealed anything"]
    with pytest.raises(WrongCode):
        twofactor.check(acme.user, "123456")
    resealed, unreadable = twofactor.reseal()
    assert resealed == 0
    assert acme.user.username in unreadable
    twofactor.check(acme.user, paper[0])  # paper needs no key


def test_what_was_not_sealed_is_by_the_command(acme: House) -> None:
    plain = TOTPDevice.objects.create(user=acme.user, name="app", confirmed=True)
    seed = plain.bin_key.hex()
    twofactor.check(acme.user, code(twofactor.device_of(acme.user)))
    call_command("reseal", stdout=StringIO())
    assert seed not in kept(acme.user)
    assert twofactor.device_of(acme.user).bin_key.hex() == seed  # type: ignore[union-attr]
    twofactor.check(acme.user, code(twofactor.device_of(acme.user)))
