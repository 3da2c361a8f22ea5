"""Where each kind of provider lives; a new one is a module and a line here, or a line in the setting PROVIDERS."""

from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import cast

from apps.agents.providers.base import Connection, Provider

PROVIDERS = {
    "builtin": "apps.agents.providers.builtin.Builtin",
    "ollama": "apps.agents.providers.ollama.Ollama",
    "bedrock": "apps.agents.providers.bedrock.Bedrock",
    "openai": "apps.agents.providers.openai.OpenAI",
}
NOWHERE = Connection()


class UnknownProvider(LookupError):
    """No provider of that name is in the catalogue."""


class NotAProvider(ValueError):
    """The path of a provider that is to be added leads nowhere."""


def register(name: str, path: str) -> None:
    """Add a provider by its dotted path. Raises NotAProvider, so that a misspelt path is noticed at the start."""
    if not _is_there(path.rpartition(".")[0]):
        raise NotAProvider(f"{name} cannot be found at {path}: write name=package.module.Class.")
    if PROVIDERS.setdefault(name, path) != path:
        raise NotAProvider(f"There is a provider named {name} already, at {PROVIDERS[name]}.")


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


@lru_cache(maxsize=256)
def load(name: str, connection: Connection = NOWHERE) -> Provider:
    """The process's one instance of a provider for a connection; its module is imported at first use."""
    if name not in PROVIDERS:
        raise UnknownProvider(f"There is no provider named {name!r}. Known: {', '.join(sorted(PROVIDERS))}.")
    module, _, attribute = PROVIDERS[name].rpartition(".")
    return cast(Provider, getattr(import_module(module), attribute)(connection))
