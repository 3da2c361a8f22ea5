"""Who a visitor is, by the word of the tenant's own server: a JWT (RFC 7519), signed with the tenant's identity secret by HMAC-SHA256.

Nothing else proves anything about a visitor, least of all an e-mail address that a page sends along."""

import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.utils import base64url_decode, base64url_encode

from apps.tenants.models import Tenant
from apps.tenants.sealing import Unsealable

LONGEST = 24 * 3600  # seconds for which one token may speak
_SKEW = 60  # seconds by which the tenant's clock may be ahead of ours
_MOST = 4096
_SUBJECT, _NAME, _EMAIL = 200, 200, 254


class BadIdentity(ValueError):
    """The token does not prove who the visitor is; the message says why, for whoever signs such tokens."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the tenant vouches for, until when (seconds since 1970), and by which secret (see `vouched_by`)."""

    subject: str
    name: str
    email: str
    expires_at: int
    vouched_by: str


def read(token: str, tenant: Tenant) -> Person:
    """Raises BadIdentity."""
    secret = _secret(tenant)
    if secret is None:
        raise BadIdentity("This organisation has no identity secret, so it cannot vouch for anybody.")
    claims = _claims(token, secret, tenant)
    expires_at = _time(claims, "exp")
    now = int(time.time())  # a whole number, since no other compares with one of any size
    if not now < expires_at <= now + LONGEST:
        raise BadIdentity(f"`exp` must be in the future, by at most {LONGEST // 3600} hours.")
    subject = _text(claims, "sub", _SUBJECT)
    if not subject:
        raise BadIdentity(f"`sub` must have 1 to {_SUBJECT} characters.")
    return Person(
        subject, _text(claims, "name", _NAME), _text(claims, "email", _EMAIL), expires_at, _named(secret)
    )


def vouched_by(tenant: Tenant) -> str:
    """A name for the tenant's present secret: who was vouched for by another one is not believed any more."""
    secret = _secret(tenant)
    return _named(secret) if secret else ""


def _claims(token: str, secret: str, tenant: Tenant) -> dict[str, Any]:
    if len(token) > _MOST or not token.isascii() or not _is_canonical(token.rpartition(".")[2]):
        raise BadIdentity("This is no signed JWT.")
    needed = {"require": ["exp", "aud", "sub"], "strict_aud": True}
    try:
        return jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            audience=str(tenant.id),
            leeway=_SKEW,
            options=needed,  # type: ignore[arg-type]
        )
    except jwt.InvalidTokenError as error:
        raise BadIdentity(f"The JWT does not hold: {error}.") from None
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise BadIdentity("This is no signed JWT.") from None


def _is_canonical(signature: str) -> bool:
    """Two spare bits at its end would let one signature be written in four ways."""
    try:
        return base64url_encode(base64url_decode(signature)).decode() == signature
    except ValueError:
        return False


def _time(claims: dict[str, Any], name: str) -> int:
    value = claims[name]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadIdentity(f"`{name}` must be a number of seconds.")
    return int(value)


def _text(claims: dict[str, Any], name: str, most: int) -> str:
    value = claims.get(name) or ""
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        raise BadIdentity(f"`{name}` must be text of at most {most} printable characters.")
    return value.strip()


def _secret(tenant: Tenant) -> str | None:
    try:
        return tenant.identity_secret
    except Unsealable:
        return None


def _named(secret: str) -> str:
    return hmac.digest(secret.encode(), b"chatwithus.identity", hashlib.sha256).hex()[:16]
