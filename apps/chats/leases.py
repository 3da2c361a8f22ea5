"""The lease under which this process answers: a row of Process, renewed by one UPDATE however many replies run.

All instants are the database's clock; what is compared here is only how long ago a renewal was asked for."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from apps.tenants import scope

logger = logging.getLogger(__name__)
EVERY = 5  # renewals a term
SURE = 0.9  # of a term: a holder stops before the database calls it dead
_thread = ThreadPoolExecutor(1, "lease")  # its own, so that no visitor's slow query lets the lease run out


class Lease:
    """`id` names this process as a holder of replies for as long as `is_valid`. Once it was not, that id is never renewed or
    used again: others take up its replies, and what this process still has of them is late."""

    def __init__(self) -> None:
        self.id: UUID = uuid.uuid4()
        self._valid_until = 0.0
        self._taking = asyncio.Lock()
        self.on_lapse: Callable[[], None] = lambda: None

    @property
    def is_valid(self) -> bool:
        return self._left > 0

    @property
    def _left(self) -> float:
        return self._valid_until - time.monotonic()

    async def hold(self) -> UUID:
        """The id to claim under, good for half a term at least."""
        if self._left < settings.LEASE_SECONDS / 2:
            async with self._taking:
                if self._left < settings.LEASE_SECONDS / 2 and not await self.renew():
                    self.on_lapse()
                    await self._write(_TAKE, uuid.uuid4())
        return self.id

    async def renew(self) -> bool:
        """False where the lease is gone."""
        try:
            if self.is_valid and not await self._write(_RENEW, self.id):
                self._valid_until = 0.0
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The lease could not be renewed: %s", error)
        return self.is_valid

    async def drop(self) -> None:
        """Let others take up at once what this process leaves unfinished."""
        self._valid_until = 0.0
        await _in_thread(_execute, _DROP, self.id)

    async def _write(self, statement: str, holder: UUID) -> bool:
        asked_at = time.monotonic()
        if not await _in_thread(_execute, statement, holder):
            return False
        self.id, self._valid_until = holder, asked_at + settings.LEASE_SECONDS * SURE
        return True


async def keep(lease: Lease, *, while_needed: Callable[[], bool], lost: Callable[[], None]) -> None:
    """Renew while there are replies; where that fails for too long, say so before others may take them up."""
    while while_needed():
        await asyncio.sleep(settings.LEASE_SECONDS / EVERY)
        if while_needed() and not await lease.renew():
            lost()


_TERM = "clock_timestamp() + make_interval(secs => %(term)s)"
_TAKE = f"INSERT INTO chats_process (id, leased_until) VALUES (%(id)s, {_TERM})"
_RENEW = (
    f"UPDATE chats_process SET leased_until = {_TERM} WHERE id = %(id)s AND leased_until > clock_timestamp()"
)
_DROP = "UPDATE chats_process SET leased_until = clock_timestamp() WHERE id = %(id)s"


async def _in_thread(function: Callable[..., bool], *arguments: object) -> bool:
    hop = database_sync_to_async(function, thread_sensitive=False, executor=_thread)
    return await hop(*arguments)


def _execute(statement: str, holder: UUID) -> bool:
    with scope.unscoped(), connection.cursor() as cursor:
        cursor.execute(statement, {"id": holder, "term": settings.LEASE_SECONDS})
        return bool(cursor.rowcount)
