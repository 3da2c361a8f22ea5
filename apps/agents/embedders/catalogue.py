"""Where each kind of embedder lives; a new one is a module and a line here.

A name is a kind, or a kind and a model of a server: `minilm`, `ollama:all-minilm`, `bedrock:amazon.titan-embed-text-v2:0@256`, where what
stands behind the @ is how many dimensions it is asked for."""

from functools import lru_cache
from importlib import import_module
from threading import Lock
from typing import cast

from apps.agents.embedders.base import Embedder
from apps.agents.servers.base import Connection

EMBEDDERS = {
    "minilm": "apps.agents.embedders.minilm.MiniLM",
    "ollama": "apps.agents.embedders.ollama.Ollama",
    "bedrock": "apps.agents.embedders.titan.Titan",
    "openai": "apps.agents.embedders.openai.OpenAI",
}
NOWHERE = Connection()

_loading = Lock()


class UnknownEmbedder(LookupError):
    """No embedder of that name is in the catalogue."""


def load(name: str, connection: Connection = NOWHERE, seconds: float | None = None) -> Embedder:
    """The process's one instance of an embedder for a connection, even when two threads ask at once. `seconds` are what a server may
    take for a request, if not as long as nobody waits for it."""
    kind, _, model = name.partition(":")
    if kind not in EMBEDDERS or (kind == "minilm") != (not model):
        known = ", ".join(one if one == "minilm" else f"{one}:MODEL" for one in sorted(EMBEDDERS))
        raise UnknownEmbedder(f"There is no embedder named {name!r}. Known: {known}.")
    with _loading:
        return _instance(EMBEDDERS[kind], model, connection, seconds)


@lru_cache(maxsize=64)
def _instance(path: str, model: str, connection: Connection, seconds: float | None) -> Embedder:
    module, _, attribute = path.rpartition(".")
    made = getattr(import_module(module), attribute)
    return cast(Embedder, made(model, connection, seconds) if model else made())
