"""The shape of API keys: `cwu_sk_` + 9 characters that name it + 43 that prove it (256 bits)."""

import hashlib
import hmac
import secrets

_MARK = "cwu_sk_"
_PREFIX_LENGTH = len(_MARK) + 9
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def generate() -> str:
    name = "".join(secrets.choice(_ALPHABET) for _ in range(9))
    return f"{_MARK}{name}{secrets.token_urlsafe(32)}"


def prefix(secret: str) -> str:
    return secret[:_PREFIX_LENGTH]


def looks_like_one(secret: str) -> bool:
    return (
        secret.startswith(_MARK)
        and len(secret) > _PREFIX_LENGTH
        and secret.isascii()
        and secret.isprintable()
    )


def digest(secret: str) -> str:
    """Plain SHA-256: a key has 256 random bits, so there is nothing for a slow hash to protect."""
    return hashlib.sha256(secret.encode()).hexdigest()


def match(secret: str, known_digest: str) -> bool:
    return hmac.compare_digest(digest(secret), known_digest)
