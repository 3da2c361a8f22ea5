"""Embedders with the way to reach them: the operator's servers, since vectors of all organisations are of one model."""

from apps.agents import connections
from apps.agents.embedders import catalogue
from apps.agents.embedders.base import Embedder

QUESTION_SECONDS = 10.0  # a model that its server has to load first may take some of them


def of(name: str, *, seconds: float | None = None) -> Embedder:
    """By its name in the catalogue. Raises UnknownEmbedder, or ProviderError where the operator gives no such server."""
    kind, _, model = name.partition(":")
    is_server = model and kind in catalogue.EMBEDDERS
    return catalogue.load(name, connections.shared(kind) if is_server else catalogue.NOWHERE, seconds)


def that_made(model: str, *, seconds: float | None = None) -> Embedder:
    """The one whose vectors bear this model: a server's has its name in the catalogue, ours is the one without. Raises as `of`."""
    made = of("minilm" if is_packaged(model) else model, seconds=seconds)
    if made.model != model:
        raise catalogue.UnknownEmbedder(f"No embedder makes vectors of {model!r}.")
    return made


def is_packaged(model: str) -> bool:
    """Whether this process makes its vectors itself."""
    return ":" not in model
