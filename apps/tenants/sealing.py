"""Secrets at rest: sealed with the deployment's keys, opened only where they are used.

Fernet (AES-128-CBC and HMAC-SHA256, github.com/fernet/spec). The first of DEPLOYMENT_KEYS seals, all of them open, so a key is
rotated by putting a new one in front and running `manage.py reseal`."""

import base64
import hashlib
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unsealable(ValueError):
    """Sealed with a key that DEPLOYMENT_KEYS no longer holds."""


def seal(secret: str) -> str:
    return _keys(tuple(settings.DEPLOYMENT_KEYS)).encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises Unsealable."""
    try:
        return _keys(tuple(settings.DEPLOYMENT_KEYS)).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unsealable(
            "This secret was sealed with a key that is not in DEPLOYMENT_KEYS any more."
        ) from error


def reseal(sealed: str) -> str:
    """The same secret under the newest key. Raises Unsealable."""
    return seal(unseal(sealed))


@cache
def _keys(phrases: tuple[str, ...]) -> MultiFernet:
    """Any long random text will do as a key: it is hashed to the length that Fernet wants."""
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(phrase.encode()).digest())) for phrase in phrases]
    )
