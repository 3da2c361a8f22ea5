"""The dashboard's socket: whole snapshots, the latest wins, a few per second at most."""

import asyncio
from typing import Any

from apps.analysis import live, snapshots
from apps.chats import events
from apps.tenants.hops import hop
from consumers.base import Consumer

_PAUSE = 0.3


class DashboardConsumer(Consumer):
    _latest: dict[str, Any] | None = None
    _is_sending = False

    async def connect(self) -> None:
        await self.channel_layer.group_add(live.group(), self.channel_name)
        await self.accept()
        await self.snapshot_taken({"snapshot": await hop(snapshots.take)()})

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(live.group(), self.channel_name)
        await super().disconnect(code)

    async def snapshot_taken(self, event: dict[str, Any]) -> None:
        self._latest = event["snapshot"]
        if not self._is_sending:
            self.run(self._send_latest())

    async def _send_latest(self) -> None:
        """Send what is newest, pause, and again while there is something newer: the last fact always arrives."""
        self._is_sending = True
        try:
            while self._latest is not None:
                snapshot, self._latest = self._latest, None
                await self.say(events.frame("snapshot", **snapshot))
                await asyncio.sleep(_PAUSE)
        finally:
            self._is_sending = False
