"""`Idempotency-Key`: the same key and the same question are one question, however often and wherever they arrive."""

import hashlib
from datetime import datetime
from typing import Any

import orjson

from apps.api.models import IdempotencyKey

LONGEST = 255


class IdempotencyConflict(ValueError):
    """This caller has used the key for another question."""


def recall(caller: str, key: str, meaning: dict[str, Any]) -> IdempotencyKey:
    """What this key stands for, from now on if it is new. `meaning` is what makes two requests the same one.

    Raises IdempotencyConflict."""
    fingerprint = _sha256(orjson.dumps(meaning, option=orjson.OPT_SORT_KEYS))
    known, _ = IdempotencyKey.objects.get_or_create(
        caller=caller, digest=_sha256(key.encode()), defaults={"fingerprint": fingerprint}
    )
    if known.fingerprint != fingerprint:
        raise IdempotencyConflict("This Idempotency-Key was used for another request. Take a new one.")
    return known


def forget(*, before: datetime) -> None:
    """Keys older than this may be used again."""
    IdempotencyKey.objects.filter(created_at__lt=before).delete()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
