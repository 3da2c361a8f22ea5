"""What happens before the first request and after the last: models are warmed up, running replies are waited for."""

import asyncio
import logging
from typing import Any

from django.conf import settings

from apps.agents.embedders import catalogue
from apps.chats import replies

logger = logging.getLogger(__name__)
GRACE = 10.0


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    try:
        await asyncio.to_thread(lambda: catalogue.load(settings.EMBEDDER).embed(["warm"]))
    except Exception as error:
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    try:
        await asyncio.wait_for(replies.settle(), GRACE)
    except TimeoutError:
        logger.warning("Replies were still running %s s after the last socket closed.", GRACE)
    await send({"type": "lifespan.shutdown.complete"})
