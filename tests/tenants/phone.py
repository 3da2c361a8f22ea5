"""An authenticator app for tests."""

from typing import Any

from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from apps.tenants import twofactor


def code(device: TOTPDevice | None) -> str:
    """What the app shows now; forgets that a code of this half minute was used, as if the next had come."""
    assert device is not None
    TOTPDevice.objects.filter(pk=device.pk).update(last_t=-1)
    return f"{TOTP(device.bin_key).token():06d}"


def set_up(user: Any, session: dict[str, Any] | None = None) -> list[str]:
    """Turns it on, and returns the recovery codes."""
    device = twofactor.begin(user)
    codes = twofactor.confirm(user, {} if session is None else session, code(device))
    TOTPDevice.objects.filter(user=user).update(last_t=-1)
    return codes


def wait_over(user: Any) -> None:
    """As long as wrong codes make one wait."""
    for device in (TOTPDevice, StaticDevice):
        device.objects.filter(user=user).update(throttling_failure_count=0, throttling_failure_timestamp=None)
