"""What happens upstairs when the doorbell rings."""

import contextvars
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from apps.analysis import tasks
from apps.chats.signals import exchange_recorded

# A thread of its own: with the broker down, publishing takes up to a second, which no visitor's acknowledgement waits for.
_PUBLISHER = ThreadPoolExecutor(1, "publish")


@receiver(exchange_recorded, dispatch_uid="score-exchange")
def score(exchange_id: UUID, **_: Any) -> None:
    context = contextvars.copy_context()
    _PUBLISHER.submit(context.run, _publish, str(exchange_id))


def _publish(exchange_id: str) -> None:
    tasks.score_exchange.delay(exchange_id=exchange_id)
