"""Vectors of a model that makes shorter ones than are kept."""

from collections.abc import Sequence

from apps.agents.embedders.base import Embedder


class Filled:
    """With zeros behind each, which change neither its length nor the angle between two."""

    def __init__(self, made: Embedder, dimension: int) -> None:
        self.model, self.dimension = made.model, dimension
        self._made = made

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        missing = [0.0] * (self.dimension - self._made.dimension)
        return [vector + missing for vector in self._made.embed(texts)]
