"""Where each embedder lives; a new one is a module and a line here."""

from functools import cache
from importlib import import_module
from threading import Lock
from typing import cast

from apps.agents.embedders.base import Embedder

EMBEDDERS = {"minilm": "apps.agents.embedders.minilm.MiniLM"}

_loading = Lock()


class UnknownEmbedder(LookupError):
    """No embedder of that name is in the catalogue."""


def load(name: str) -> Embedder:
    """The process's one instance of an embedder, even when two threads ask at once."""
    if name not in EMBEDDERS:
        raise UnknownEmbedder(f"There is no embedder named {name!r}. Known: {', '.join(sorted(EMBEDDERS))}.")
    with _loading:
        return _instance(EMBEDDERS[name])


@cache
def _instance(path: str) -> Embedder:
    module, _, attribute = path.rpartition(".")
    return cast(Embedder, getattr(import_module(module), attribute)())
