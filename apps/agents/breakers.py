"""Circuit breakers: who failed several times in a row is left alone for a while, then asked once, to see.

One for each endpoint and tenant, in each process: one tenant's revoked key, or its server that is down, costs nobody else a call."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from apps.agents.minds import Mind
from apps.agents.providers.base import ProviderError

PATIENCE = 5  # failures in a row
REST = 5.0  # seconds
MOST = 10_000  # that are remembered: whoever changes its address again and again is no reason to keep each for ever
_failing: "dict[object, Breaker]" = {}  # only those; whoever works is forgotten


class Open(ProviderError):
    """Nobody was called."""


class Breaker:
    """Closed until PATIENCE failures, then open for REST; after that one call is let through, which closes it or opens it again.

    An answer may take minutes, so the others are let in at the probe's first word; but until an answer has ended well, the next
    failure opens it again."""

    def __init__(self, name: object) -> None:
        self._name = name
        self._failures = 0
        self._last = ""
        self._rests_until = 0.0
        self._is_probing = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Around one call. Raises Open where it is. What its provider refuses is no fault of the endpoint."""
        is_probe = self._admit()
        try:
            yield
        except ProviderError as error:
            if error.kind != "refused":
                self.failed(str(error))
            raise
        finally:
            if is_probe:
                self._is_probing = False

    def spoke(self) -> None:
        """A call has begun to answer, which says nothing yet of how it ends."""
        if self._is_probing:
            self._is_probing = False
            self._failures = PATIENCE - 1

    def worked(self) -> None:
        """An answer has ended well."""
        self._failures = 0
        _failing.pop(self._name, None)

    def failed(self, said: str) -> None:
        known = _failing.setdefault(self._name, self)
        if len(_failing) > MOST:
            del _failing[next(iter(_failing))]
        known._failures += 1
        known._last = said
        if known._failures >= PATIENCE:
            known._rests_until = time.monotonic() + REST

    def _admit(self) -> bool:
        """Whether this call is the probe."""
        if self._failures < PATIENCE:
            return False
        if time.monotonic() < self._rests_until or self._is_probing:
            raise Open(
                f"It failed several times in a row and is left alone for a moment. It said last: {self._last}",
                kind="unreachable",
                retryable=True,
            )
        self._is_probing = True
        return True


def of(mind: Mind) -> Breaker:
    name = (mind.tenant_id, mind.endpoint)
    return _failing.get(name) or Breaker(name)
