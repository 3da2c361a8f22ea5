"""What happens upstairs when the doorbell rings."""

import contextvars
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from apps.analysis import tasks
from apps.chats.signals import exchange_recorded

SOON = 0.1  # seconds: publishing takes the interpreter for a while, and the visitor waits for the first word
# A thread of its own: with the broker down, publishing takes up to a second, which no visitor's acknowledgement waits for.
_PUBLISHER = ThreadPoolExecutor(1, "publish")
_due: "deque[tuple[contextvars.Context, UUID]]" = deque()


@receiver(exchange_recorded, dispatch_uid="score-exchange")
def score(exchange_id: UUID, **_: Any) -> None:
    _due.append((contextvars.copy_context(), exchange_id))
    _PUBLISHER.submit(_publish_all)


def _publish_all() -> None:
    """Everything that is due by then: the others find nothing left to do."""
    if _due:
        time.sleep(SOON)
    while _due:
        context, exchange_id = _due.popleft()
        context.run(tasks.score_exchange.delay, exchange_id=str(exchange_id))
