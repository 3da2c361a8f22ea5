"""What embedders have in common that ask a server: batches, and mistrust."""

import asyncio
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property

from apps.agents.servers import wire
from apps.agents.servers.base import Connection, ProviderError

BATCH = 64  # texts in one request
SECONDS = 60.0  # for one request of many texts, which nobody waits for
WIDEST = 16_000
_SHORTENED = re.compile(r"(.+)@(\d{1,5})")


class Remote(ABC):
    """A model on a server; `model` names its kind too, since two kinds may call two models the same. `NAME@256` asks it for vectors of
    256 dimensions, as far as it can make them."""

    kind: str

    def __init__(self, model: str, connection: Connection, seconds: float | None = None) -> None:
        self.model = f"{self.kind}:{model}"
        shortened = _SHORTENED.fullmatch(model)
        self._name = shortened[1] if shortened else model
        self._dimensions = int(shortened[2]) if shortened else None
        self._connection = connection
        self._seconds = seconds or SECONDS

    @cached_property
    def dimension(self) -> int:
        return len(self._asked(["one"])[0])

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        batches = [texts[at : at + BATCH] for at in range(0, len(texts), BATCH)]
        vectors = [vector for batch in batches for vector in self._asked(batch)]
        if any(len(vector) != self.dimension for vector in vectors):
            raise self._odd(f"vectors of other dimensions than {self.dimension}")
        return vectors

    @abstractmethod
    async def _ask(self, texts: Sequence[str]) -> Sequence[Sequence[float]]: ...

    def _asked(self, texts: Sequence[str]) -> list[list[float]]:
        """In a loop of its own, since this thread has none."""
        try:
            found = asyncio.run(asyncio.wait_for(self._ask(texts), self._seconds))
            vectors = [unit(vector) for vector in found]
        except TimeoutError:
            what = f"took more than {self._seconds:.0f} s to embed"
            raise self._connection.failure(what, kind="timeout") from None
        except Exception as error:
            raise wire.failure(self._connection, error) from None
        if len(vectors) != len(texts) or not all(vectors):
            raise self._odd(f"{len(vectors)} vectors for {len(texts)} texts")
        return vectors

    def _odd(self, what: str) -> ProviderError:
        return ProviderError(f"{self.model} answered with {what}.", kind="garbled", retryable=True)


def unit(vector: Sequence[float]) -> list[float]:
    """The same direction at length 1. Raises ValueError for what has none."""
    numbers = [float(number) for number in vector]
    length = math.sqrt(sum(number * number for number in numbers))
    if not 0 < len(numbers) <= WIDEST or not math.isfinite(length) or length == 0:
        raise ValueError("no vector that has a direction")
    return [number / length for number in numbers]
