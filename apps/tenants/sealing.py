"""Secrets at rest: sealed with the deployment's keys, opened only where they are used.

Fernet (AES-128-CBC and HMAC-SHA256, github.com/fernet/spec). The first of DEPLOYMENT_KEYS seals, all of them open, so a key is
rotated by putting a new one in front and running `manage.py reseal`. What has to stay short is sealed by AES-256-SIV (RFC 5297), whose
nonce is made of the text itself and of whose it is."""

import base64
import hashlib
from contextlib import suppress
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
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


def seal_short(secret: bytes, whose: str) -> bytes:
    """Sixteen bytes longer than the secret, and of use for nobody else's."""
    return _sivs(tuple(settings.DEPLOYMENT_KEYS))[0].encrypt(secret, [whose.encode()])


def unseal_short(sealed: bytes, whose: str) -> bytes:
    """Raises Unsealable."""
    for key in _sivs(tuple(settings.DEPLOYMENT_KEYS)):
        with suppress(InvalidTag):
            return key.decrypt(sealed, [whose.encode()])
    raise Unsealable("This secret was sealed with a key that is not in DEPLOYMENT_KEYS any more.")


@cache
def _sivs(phrases: tuple[str, ...]) -> list[AESSIV]:
    return [AESSIV(hashlib.sha512(phrase.encode()).digest()) for phrase in phrases]


@cache
def _keys(phrases: tuple[str, ...]) -> MultiFernet:
    """Any long random text will do as a key: it is hashed to the length that Fernet wants."""
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(phrase.encode()).digest())) for phrase in phrases]
    )
