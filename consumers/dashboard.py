"""The dashboard's socket: whole snapshots, the latest wins, a few per second at most."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any
from uuid import UUID

from apps.analysis import live, snapshots
from apps.chats import bell, events
from apps.tenants import scope
from apps.tenants.hops import hop
from consumers.base import AWAY, Consumer

_PAUSE = 0.3


class DashboardConsumer(Consumer):
    """A snapshot that was lost on its way is made up for: one is taken anew when Valkey was away, and with each ping."""

    _latest: dict[str, Any] | None = None
    _told: dict[str, Any] | None = None
    _heard = 0
    _is_sending = _is_looking = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unhear: Callable[[], None] = lambda: None

    async def connect(self) -> None:
        self._context = contextvars.copy_context()  # a ring and a ping come without the tenant's scope
        self._unhear = bell.listen(scope.current(), self._rung)
        await self.channel_layer.group_add(live.group(), self.channel_name)
        await self.accept()
        await self.snapshot_taken({"snapshot": await hop(snapshots.take)()})

    async def disconnect(self, code: int) -> None:
        self._unhear()
        self._unhear = lambda: None
        await self.channel_layer.group_discard(live.group(), self.channel_name)
        await super().disconnect(code)

    def ping(self) -> None:
        super().ping()
        self._look_again()

    async def snapshot_taken(self, event: dict[str, Any]) -> None:
        self._heard += 1
        self._latest = event["snapshot"]
        if not self._is_sending:
            self.run(self._send_latest())

    async def _send_latest(self) -> None:
        """Send what is newest, pause, and again while there is something newer: the last fact always arrives."""
        self._is_sending = True
        try:
            while self._latest is not None:
                snapshot, self._latest = self._latest, None
                self._told = snapshot
                await self.say(events.frame("snapshot", **snapshot))
                await asyncio.sleep(_PAUSE)
        finally:
            self._is_sending = False

    def _rung(self, chat_id: UUID) -> None:
        if chat_id == bell.NO_CHAT:
            self._look_again()

    def _look_again(self) -> None:
        if not self._is_looking:
            self._is_looking = True
            self._context.run(self.run, self._look())

    async def _look(self) -> None:
        """Unless the next snapshot comes meanwhile, which is newer than what is found here."""
        heard = self._heard
        try:
            found = await hop(snapshots.take)()
            if self._heard == heard and self._told != found | {"at": (self._told or found)["at"]}:
                await self.snapshot_taken({"snapshot": found})
        except AWAY:
            pass  # the next ping asks again
        finally:
            self._is_looking = False
