"""The second factor: a code that a person's phone shows (TOTP, RFC 6238), and codes on paper for when it is lost.

It is the person's, whichever tenants they work for. A session has shown it once its device is named there."""

import base64
import hashlib
import logging
import secrets
from typing import Any, cast
from urllib.parse import quote

import segno
from django.contrib.auth import get_user_model
from django.db import transaction
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_static.models import StaticDevice

from apps.tenants import audit, lookup, sealing
from apps.tenants.models import Phone, Tenant
from apps.tenants.postgres.prepared import Prepared, Table

logger = logging.getLogger(__name__)
CODES = 10
SHOWN = DEVICE_ID_SESSION_KEY  # the name under which a session says that it has shown it
_ISSUER = "Chat With Us"
_PHONES = Table(Phone)
_CONFIRMED = Prepared(  # asked with every page
    f"SELECT {_PHONES.columns('p')} FROM otp_totp_totpdevice p WHERE user_id = %(user)s AND confirmed ORDER BY id LIMIT 1"
)


class WrongCode(ValueError):
    """It is not the code of now, was used already, or too many wrong ones were tried."""

    def __init__(self) -> None:
        super().__init__(
            "This is not the code that your app shows now. Wait for the next one and enter that."
        )


def device_of(user: Any) -> Phone | None:
    """What this person has shown to work; None where they have no second factor."""
    row = _CONFIRMED.first(user=user.pk)
    return _PHONES.read(row) if row else None


def holds(session: Any, user: Any, tenant: Tenant | None = None) -> bool:
    """Whether this session has shown what it has to: whoever has a second factor shows it, and whoever enters a tenant that
    requires one has one."""
    device = device_of(user)
    if device is None:
        return tenant is None or not tenant.requires_two_factor
    return bool(session.get(SHOWN) == device.persistent_id)


def is_required_of(user: Any) -> bool:
    """Whether any tenant of this person's requires it."""
    ids = lookup.tenants_of_user(user.pk)
    return Tenant.objects.filter(id__in=ids, suspended_at=None, requires_two_factor=True).exists()


def begin(user: Any) -> Phone:
    """A secret to be shown to the person's app, the same one until it was shown to work."""
    with transaction.atomic():
        get_user_model().objects.select_for_update().get(
            pk=user.pk
        )  # two pages opened at once show one secret
        found = Phone.objects.filter(user_id=user.pk, confirmed=False).first()
        return cast(Phone, found or Phone.new(user.pk))


def qr(device: Phone) -> str:
    """What the app scans, as the text of an SVG."""
    return segno.make(address(device), error="m").svg_inline(scale=4, border=2, dark="#000", light="#fff")


def address(device: Phone) -> str:
    label = quote(f"{_ISSUER}:{device.user.get_username()}")
    return f"otpauth://totp/{label}?secret={secret(device)}&issuer={quote(_ISSUER)}"


def secret(device: Phone) -> str:
    """For whoever cannot scan: the same in letters."""
    return base64.b32encode(device.bin_key).decode().rstrip("=")


def confirm(user: Any, session: Any, code: str) -> list[str]:
    """The app works: from now on every sign-in asks for it. Returns the recovery codes, which nobody can be shown again.

    Raises WrongCode."""
    with transaction.atomic():
        device = Phone.objects.select_for_update().filter(user_id=user.pk, confirmed=False).first()
        right = device is not None and _shows(device, _plain(code))
        if right:
            Phone.objects.filter(user_id=user.pk).exclude(pk=device.pk).delete()
            device.confirmed = True
            device.save(update_fields=["confirmed"])
            codes = new_recovery_codes(user)
            audit.note_of_person(user, "second_factor.turned_on")
    if not right:
        raise WrongCode
    session[SHOWN] = device.persistent_id
    return codes


def show(user: Any, session: Any, code: str) -> None:
    """This session shows the second factor, by the app or by a recovery code, which is used up. Raises WrongCode."""
    device = check(user, code)
    session[SHOWN] = device.persistent_id


def check(user: Any, code: str) -> Phone:
    """Raises WrongCode; each wrong code makes the person wait longer for the next."""
    with transaction.atomic():
        device = Phone.objects.select_for_update().filter(user_id=user.pk, confirmed=True).first()
        right = device is not None and _is_right(device, code)
    if not right:
        raise WrongCode
    return cast(Phone, device)


def new_recovery_codes(user: Any) -> list[str]:
    """Ten codes of 80 bits in place of all earlier ones; what is kept of each is a hash."""
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(CODES)]
    with transaction.atomic():
        StaticDevice.objects.filter(user_id=user.pk).delete()
        paper = StaticDevice.objects.create(user_id=user.pk, name="recovery")
        for code in codes:
            paper.token_set.create(token=_hashed(code))
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def recovery_codes_left(user: Any) -> int:
    paper = StaticDevice.objects.filter(user_id=user.pk).first()
    return paper.token_set.count() if paper else 0


def turn_off(user: Any, code: str) -> None:
    """Forget the app and the recovery codes. Raises WrongCode."""
    check(user, code)
    forget(user)


def forget(user: Any) -> None:
    """As the operator does for somebody who lost phone and paper."""
    with transaction.atomic():
        Phone.objects.filter(user_id=user.pk).delete()
        StaticDevice.objects.filter(user_id=user.pk).delete()


def reseal() -> tuple[int, list[str]]:
    """Every phone's secret, under the newest key, also those that were never sealed: how many, and whose no key opens."""
    lost, phones = [], list(Phone.objects.select_related("user").order_by("id"))
    for phone in phones:
        held = phone.key
        try:
            phone.keep(phone.bin_key.hex())
        except sealing.Unsealable:
            lost.append(phone.user.get_username())
        else:
            with transaction.atomic():
                Phone.objects.filter(id=phone.id, key=held).update(key=phone.key)
                audit.note_of_person(phone.user, "second_factor.resealed")
    return len(phones) - len(lost), lost


def _is_right(device: Phone, code: str) -> bool:
    plain = _plain(code)
    if len(plain) == device.digits:
        return _shows(device, plain)
    paper = StaticDevice.objects.select_for_update().filter(user_id=device.user_id).first()
    return paper is not None and bool(paper.verify_token(_hashed(plain)))


def _shows(device: Phone, code: str) -> bool:
    try:
        return bool(device.verify_token(code))
    except sealing.Unsealable as error:
        logger.error("The second factor of user %s: %s", device.user_id, error)
        return False


def _plain(code: str) -> str:
    return "".join(code.split()).replace("-", "").lower()


def _hashed(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()[:16]
