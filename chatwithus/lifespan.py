"""What happens before the first request and after the last: models are warmed up, running replies are waited for."""

import asyncio
from typing import Any

from django.conf import settings

from apps.chats import draining, hub, replies
from apps.knowledge import vectors


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    try:
        await asyncio.to_thread(vectors.warm)
    except Exception as error:
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    draining.before_closing(hub.close_all)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await replies.drain(draining.seconds_left(settings.FINISH_SECONDS))
    await send({"type": "lifespan.shutdown.complete"})
