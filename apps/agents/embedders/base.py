"""What turns text into vectors."""

from collections.abc import Sequence
from typing import Protocol


class Embedder(Protocol):
    """Vectors of two models must never meet: store `model` beside every vector, and make no vector of another `dimension`."""

    model: str

    @property
    def dimension(self) -> int:
        """Of every vector; where only its server knows, this asks once."""
        ...

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Unit-length vectors in the order of the texts. Blocks, by computing or by waiting for a server, so call it in a thread.

        Raises ProviderError where there is a server; what it gave until then is given to nobody."""
        ...
