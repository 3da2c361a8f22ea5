"""What all sockets share: orjson frames, no thread hop per event, and an answer to every frame that cannot be read."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer

from apps.chats import events
from consumers import frames


class Consumer(AsyncWebsocketConsumer):
    """Receives `on_<type>` for each known frame; `run` starts work that must not hold up the next frame."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._work: set[asyncio.Task[None]] = set()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Channels hops to a thread here to close database connections; our hops close their own."""
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"No handler for message type {message['type']}")
        await handler(message)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            frame = frames.parse(text_data if text_data is not None else bytes_data)
            handler = getattr(self, f"on_{frame['type'].replace('.', '_')}", None)
            if handler is None:
                raise frames.BadFrame(
                    "unknown_type", f"There is no frame called {frame['type'][:40]!r} here."
                )
            await handler(frame)
        except frames.BadFrame as error:
            await self.say(events.error(error.code, str(error), **error.fields))

    async def say(self, frame: events.Frame) -> None:
        await self.send(text_data=events.encode(frame))

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside the reading of frames; what still runs when the socket goes is cancelled."""
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def disconnect(self, code: int) -> None:
        for task in self._work:
            task.cancel()

    async def on_ping(self, frame: events.Frame) -> None:
        await self.say(events.frame("pong"))

    async def on_pong(self, frame: events.Frame) -> None:
        """The client's answer to our ping; nothing to do."""
