"""What all sockets share: orjson frames, no thread hop per event, a feed without a task, a heartbeat, and an answer to every
frame that cannot be read."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.db import DatabaseError, InterfaceError
from psycopg_pool import PoolTimeout

from apps.chats import events, frames, hub
from apps.chats.conversations import NoSuchChat
from apps.tenants import access, audit, watch
from apps.tenants.hops import hop
from apps.tenants.limits import TooMany
from consumers.eager import PUT, start
from consumers.heartbeat import PING, Heartbeat

logger = logging.getLogger(__name__)

GIVEN_UP = 1013  # "try again later": come back with `resume`
SHUT_OUT = 4401
AWAY = (DatabaseError, InterfaceError, PoolTimeout)  # what the database's absence looks like
TYPING_EVERY = 2.0  # readers are told each time, also those that take nothing of it
_FAREWELL = 1.0
_MOST_WORK = 64  # things that one socket may have under way


class Consumer(AsyncWebsocketConsumer):
    """Receives `on_<type>` for each known frame; `run` starts work that must not hold up the next frame, `attach` sends what a
    feed tells.

    Nothing is kept here for a client that does not read: the server makes `send` wait, the feed lags behind in its log,
    and the heartbeat gives the socket up."""

    heartbeat: ClassVar[Heartbeat] = Heartbeat()
    heard_at = 0.0
    slot = 0
    stay: watch.Stay | None = None
    _main: asyncio.Task[Any] | None = None
    _feed: hub.Feed | None = None
    _is_writing = _is_given_up = _has_left = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._work: set[asyncio.Task[None]] = set()
        self._sending = 0
        self._put: Callable[[str], bool] = _not_at_once

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._main = asyncio.current_task()
        self._put = scope.get("extensions", {}).get(PUT, _not_at_once)
        try:
            if get_channel_layer(self.channel_layer_alias) is None:
                await self._listen(scope, receive, send)
            else:
                await super().__call__(scope, receive, send)
        except asyncio.CancelledError:
            if not self._is_given_up:
                raise
        finally:
            self._main = None
            try:
                # Unless the server has said so, it was given up, or went while something was sent.
                if not self._has_left:
                    await self.disconnect(1006)
            finally:
                self._leave()

    async def _listen(self, scope: Any, receive: Any, send: Any) -> None:
        """As Channels does, but without a task for each event where no other events than the server's can come."""
        self.scope, self.base_send = scope, send
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Channels hops to a thread here to close database connections; our hops close their own."""
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"No handler for message type {message['type']}")
        await handler(message)

    async def websocket_connect(self, message: Any) -> None:
        self.heartbeat.join(self)
        if (admitted := access.current()) is not None:
            needs: Any = self.scope.get("needs")
            self.stay = watch.here().hold(admitted, self.shut_out, needs=needs, on_blind=self.lose_sight)
        await self.connect()

    async def websocket_disconnect(self, message: Any) -> None:
        await self.disconnect(message["code"])
        raise StopConsumer

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.heard_at = time.monotonic()
        if self.stay is not None and self.stay.is_over:
            self.shut_out()
            return
        try:
            frame = frames.parse(text_data if text_data is not None else bytes_data)
            if len(self._work) >= _MOST_WORK:
                raise _busy(frame)
            handler = getattr(self, f"on_{frame['type'].replace('.', '_')}", None)
            if handler is None:
                raise frames.BadFrame(
                    "unknown_type", f"There is no frame called {frame['type'][:40]!r} here."
                )
            await handler(frame)
        except access.NotAdmitted:
            self.shut_out()
        except access.Forbidden as error:  # an OSError too, of Python's family of permission errors
            await self.refuse(error)
        except OSError:  # what the server raises once the client has gone
            raise
        except Exception as error:
            await self.refuse(error)

    async def refuse(self, error: Exception) -> None:
        """Say why a frame was not acted on."""
        if isinstance(error, access.Forbidden):
            await self.note_refusal(error)
        await self.say(_refusal(error))

    async def note_refusal(self, error: access.Forbidden) -> None:
        """That somebody may not do what a frame asks for stands in the audit log."""
        path = self.scope["path"]
        await hop(audit.note)("frame.refused", outcome=audit.REFUSED, ability=error.ability, path=path)

    async def say(self, frame: events.Frame) -> None:
        await self.send(events.encode(frame))

    async def send(  # type: ignore[override]  # so Channels has it too: one name, two meanings
        self, text_data: str | None = None, bytes_data: bytes | None = None, close: bool = False
    ) -> None:
        """Waits while the client does not read; the heartbeat says for how long."""
        self.heartbeat.sends(self)
        self._sending += 1
        try:
            await self.base_send({"type": "websocket.send", "text": text_data})  # type: ignore[arg-type]  # Channels' union
        finally:
            self._sending -= 1
            self.heartbeat.sent(self)

    def _sent(self, text: str) -> bool:
        """Whether it could be sent at once, and behind everything that was sent before."""
        return not self._sending and self._put(text)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside the reading of frames; what still runs when the socket goes is cancelled."""
        task = asyncio.get_running_loop().create_task(self._finish(work))
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        task.add_done_callback(lambda task: work.close())  # who leaves before it began cancels it unbegun

    async def _finish(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            try:
                await work
            except access.NotAdmitted:
                self.shut_out()
            except access.Forbidden as error:
                await self.refuse(error)
            except OSError:
                raise
            except Exception as error:
                await self.refuse(error)
        except OSError:
            pass

    def send_soon(self, text: str) -> None:
        """Send without waiting; for callbacks, whose callers are not to hear that a client has gone."""
        if not self._sent(text):
            with suppress(OSError):
                start(self.send(text), then=self.run)

    @contextmanager
    def opening(self, feed: hub.Feed) -> Iterator[None]:
        """Until it is attached: who goes meanwhile leaves no reader behind, for whom a reply would go on for ever."""
        try:
            yield
        except BaseException:
            feed.close()
            raise

    def attach(self, feed: hub.Feed) -> None:
        """Send what this feed tells from now on, instead of what another told before."""
        self.detach()
        if self._has_left:
            feed.close()
            return
        self._feed = feed
        feed.on_grown = self._wake
        self._wake()

    def detach(self) -> None:
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.close()

    def _wake(self) -> None:
        """Send what the feed has: as a coroutine only from where the server makes us wait."""
        if self._is_writing or (feed := self._feed) is None:
            return
        try:
            entries = feed.take()
        except Exception as error:
            self._feed_failed(error)
            return
        for place, entry in enumerate(entries):
            if not self._sent(entry.text):
                self._is_writing = True
                start(self._write(feed, entries[place:]), then=self.run)
                return
            if entry.seq is not None:
                self.told(entry)
                if self._feed is not feed:
                    return

    async def _write(self, feed: hub.Feed | None, entries: list[events.Entry]) -> None:
        try:
            while entries:
                for entry in entries:
                    await self.send(entry.text)
                    if entry.seq is not None:
                        self.told(entry)
                    if self._feed is not feed:
                        break
                feed = self._feed
                entries = feed.take() if feed is not None else []
        except OSError:
            pass
        except Exception as error:
            self._feed_failed(error)
        finally:
            self._is_writing = False

    def told(self, entry: events.Entry) -> None:
        """A durable event was sent; for consumers that act on one."""

    def _feed_failed(self, error: Exception) -> None:
        """What it had taken is lost to this socket, not to one that resumes. Soon, since its hub may be in the middle of a round."""
        if not isinstance(error, hub.TooSlow):
            logger.error("A feed failed", exc_info=error)
        asyncio.get_running_loop().call_soon(self.give_up)

    def ping(self) -> None:
        self.send_soon(PING)

    def give_up(self) -> None:
        """Part from a client that is silent or does not read; it comes back and resumes."""
        self._part_soon(GIVEN_UP)

    def shut_out(self) -> None:
        """Part from somebody who may not be here any more: they are told nothing more, and nothing more is heard."""
        self.detach()
        if self.stay is not None:
            self.stay.end()
        self._part_soon(SHUT_OUT)

    def lose_sight(self) -> None:
        """Part from somebody of whom nobody knows whether they may be here: they are told nothing more, and may come again."""
        self.detach()
        self._part_soon(GIVEN_UP)

    def _part_soon(self, code: int) -> None:
        if not self._is_given_up and not self._has_left:
            self._is_given_up = True
            self.run(self._part(code))

    async def _part(self, code: int) -> None:
        """A client that reads is told; where nothing goes through, the server drops the connection."""
        try:
            async with asyncio.timeout(_FAREWELL):
                await self.close(code)
        except TimeoutError:
            if self._main is not None:
                self._main.cancel()

    async def disconnect(self, code: int) -> None:
        self._leave()

    def _leave(self) -> None:
        self._has_left = True
        if self.stay is not None:
            watch.here().leave(self.stay)
        self.heartbeat.leave(self)
        self.detach()
        for task in self._work - {asyncio.current_task()}:
            task.cancel()

    async def on_ping(self, frame: events.Frame) -> None:
        await self.say(events.frame("pong"))

    async def on_pong(self, frame: events.Frame) -> None:
        """The client's answer to our ping; nothing to do."""


def _not_at_once(text: str) -> bool:
    return False


def _busy(frame: events.Frame) -> frames.BadFrame:
    """A message's sender has to know which one is to be sent again."""
    named = {"client_message_id": frame["client_message_id"]} if "client_message_id" in frame else {}
    return frames.BadFrame(
        "too_many", "Too much is under way. Wait for answers, then go on.", retry_after=1, **named
    )


def _refusal(error: Exception) -> events.Frame:
    """What a client is told whose frame could not be acted on; what nobody foresaw is logged as well."""
    if isinstance(error, TooMany):
        error = frames.too_many(error)
    if isinstance(error, access.Forbidden):
        return events.error("forbidden", str(error))
    if isinstance(error, frames.BadFrame):
        return events.error(error.code, str(error), **error.fields)
    if isinstance(error, NoSuchChat):
        return events.error("no_such_chat", str(error))
    if isinstance(error, AWAY):
        logger.warning("A frame has to wait for the database: %s", error)
        return events.error("unavailable", "This is not possible just now. Try again in a moment.")
    logger.error("A frame could not be served", exc_info=error)
    return events.error("internal", "Something went wrong here. Try again.")
