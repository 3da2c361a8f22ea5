"""What turns text into vectors."""

from collections.abc import Sequence
from typing import Protocol


class Embedder(Protocol):
    """Vectors of two models must never meet: store `model` beside every vector."""

    model: str
    dimension: int

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Unit-length vectors in the order of the texts; CPU-bound, so call it in a thread."""
        ...
