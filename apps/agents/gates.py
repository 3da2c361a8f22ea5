"""Taking turns on what everybody shares: however much one tenant asks at once, another is asked for next to nothing.

A tenant may have as many answers under way as there are places left free, so that whoever comes next finds one (after Choudhury
and Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998). Those who wait are served in turn, tenant
by tenant. Each process counts for itself."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings

from apps.agents.minds import Mind
from apps.agents.providers.base import ProviderError

MOST_WAITING = 1000  # of one tenant

Waiting = deque["asyncio.Future[None]"]


class Gate:
    """The places of one endpoint."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._held: Counter[UUID] = Counter()
        self._waiting: dict[UUID, Waiting] = {}

    async def enter(self, tenant_id: UUID) -> None:
        """Raises ProviderError where too many wait already."""
        if self._fits(tenant_id) and tenant_id not in self._waiting:
            self._take(tenant_id)
            return
        line = self._waiting.setdefault(tenant_id, deque())
        if len(line) >= MOST_WAITING:
            raise _crowded()
        turn = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._forget(tenant_id, turn)
            else:
                self.leave(tenant_id)
            raise

    def leave(self, tenant_id: UUID) -> None:
        self._free += 1
        self._held[tenant_id] -= 1
        if not self._held[tenant_id]:
            del self._held[tenant_id]
        self._let_in()

    def _fits(self, tenant_id: UUID) -> bool:
        held = self._held[tenant_id]
        return self._free > 0 and (held == 0 or held < self._free)

    def _take(self, tenant_id: UUID) -> None:
        self._free -= 1
        self._held[tenant_id] += 1

    def _let_in(self) -> None:
        """Each tenant that waits in turn; who was let in goes to the end."""
        for tenant_id in tuple(self._waiting):
            if self._fits(tenant_id):
                line = self._waiting.pop(tenant_id)
                turn = line.popleft()
                if line:
                    self._waiting[tenant_id] = line
                if not turn.done():  # or its task was cancelled a moment ago, and has yet to hear of it
                    self._take(tenant_id)
                    turn.set_result(None)

    def _forget(self, tenant_id: UUID, turn: "asyncio.Future[None]") -> None:
        line = self._waiting.get(tenant_id, deque())
        if turn in line:
            line.remove(turn)
        if not line:
            self._waiting.pop(tenant_id, None)
        self._let_in()


_gates: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[object, Gate]]" = WeakKeyDictionary()


@asynccontextmanager
async def place(mind: Mind, until: float) -> AsyncIterator[None]:
    """Around one call; a server of the tenant's own has no other guests. Raises ProviderError where none is free in time."""
    if not mind.connection.is_shared:
        yield
        return
    gate = _of(mind.endpoint)
    try:
        async with asyncio.timeout_at(until):
            await gate.enter(mind.tenant_id)
    except TimeoutError:
        raise _crowded() from None
    try:
        yield
    finally:
        gate.leave(mind.tenant_id)


def _of(endpoint: object) -> Gate:
    gates = _gates.setdefault(asyncio.get_running_loop(), {})
    return gates.setdefault(endpoint, Gate(settings.PROVIDER_CONCURRENCY))


def _crowded() -> ProviderError:
    return ProviderError("Too many answers are under way there.", kind="overloaded", retryable=True)
