"""Who waits for a person, and how many before them: one look at the line for all of a tenant's visitors of this process."""

import asyncio
import contextvars
import logging
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import DatabaseError, InterfaceError

from apps.chats import attendance, bell
from apps.chats.models import Chat
from apps.tenants import scope
from apps.tenants.hops import hop

logger = logging.getLogger(__name__)
PAUSE = 0.5  # between two looks, however much happens
AGAIN = 15.0  # while somebody waits: that staff have left is told by nobody
LONGEST = 500


class Place(NamedTuple):
    """`position` counts from 1; `attended` says whether anybody of the staff is there."""

    position: int
    attended: bool


Heard = Callable[[Place], None]


def places() -> dict[UUID, Place]:
    """Everybody in the line of the tenant in scope, who has waited longest first."""
    waiting = Chat.objects.filter(resolved_at=None, handled_by=Chat.HandledBy.WAITING)
    found = list(waiting.order_by("waiting_since", "id").values_list("id", flat=True)[:LONGEST])
    attended = attendance.is_attended() if found else False
    return {chat_id: Place(number, attended) for number, chat_id in enumerate(found, start=1)}


def join(chat_id: UUID, heard: Heard) -> Callable[[], None]:
    """Call `heard` whenever this chat's place has changed, beginning now where it has one; the function returned ends it."""
    return _of(scope.current()).join(chat_id, heard)


class Line:
    """Looks when the bell rings, for as long as anybody has joined."""

    def __init__(self, tenant_id: UUID, forget: Callable[[], None]) -> None:
        self._tenant_id, self._forget = tenant_id, forget
        self._joined: dict[tuple[UUID, Heard], Place | None] = {}
        self._looking: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None
        self._is_due = False
        self._end_listening = bell.listen(tenant_id, lambda _: self.look_soon())

    def join(self, chat_id: UUID, heard: Heard) -> Callable[[], None]:
        self._joined[chat_id, heard] = None
        self.look_soon()

        def leave() -> None:
            self._joined.pop((chat_id, heard), None)
            if not self._joined:
                self._close()

        return leave

    def look_soon(self) -> None:
        self._is_due = True
        if self._looking is None or self._looking.done():
            loop = asyncio.get_running_loop()
            self._looking = loop.create_task(self._look(), context=contextvars.Context())

    async def _look(self) -> None:
        while self._is_due and self._joined:
            self._is_due = False
            try:
                self._tell(await hop(_places)(self._tenant_id))
            except (DatabaseError, InterfaceError) as error:
                logger.warning("The line could not be read: %s", error)
                self._is_due = True  # no ring comes for it again
            await asyncio.sleep(PAUSE)

    def _tell(self, found: dict[UUID, Place]) -> None:
        for (chat_id, heard), before in tuple(self._joined.items()):
            place = found.get(chat_id)
            if (chat_id, heard) in self._joined and place != before:
                self._joined[chat_id, heard] = place
                if place is not None:
                    heard(place)
        self._look_again(bool(found.keys() & {chat_id for chat_id, _ in self._joined}))

    def _look_again(self, is_anybody_waiting: bool) -> None:
        if self._again is not None:
            self._again.cancel()
        loop = asyncio.get_running_loop()
        self._again = loop.call_later(AGAIN, self.look_soon) if is_anybody_waiting else None

    def _close(self) -> None:
        self._end_listening()
        if self._again is not None:
            self._again.cancel()
        self._forget()


def _places(tenant_id: UUID) -> dict[UUID, Place]:
    with scope.scoped_to(tenant_id):
        return places()


_lines: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[UUID, Line]]" = WeakKeyDictionary()


def _of(tenant_id: UUID) -> Line:
    """The running loop's line of a tenant."""
    lines = _lines.setdefault(asyncio.get_running_loop(), {})
    if tenant_id not in lines:
        lines[tenant_id] = Line(tenant_id, lambda: _forget(lines, tenant_id))
    return lines[tenant_id]


def _forget(lines: dict[UUID, Line], tenant_id: UUID) -> None:
    lines.pop(tenant_id, None)
