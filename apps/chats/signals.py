"""The one doorbell: rung after COMMIT whenever an exchange was recorded or finished, for whoever lives upstairs."""

from functools import partial
from uuid import UUID

from django.db import transaction
from django.dispatch import Signal

exchange_recorded = Signal()


def ring_after_commit(exchange_id: UUID) -> None:
    """Never raises into the chat: a receiver that fails is logged, and a sweep finds what it missed."""
    transaction.on_commit(
        partial(exchange_recorded.send_robust, sender=None, exchange_id=exchange_id), robust=True
    )
