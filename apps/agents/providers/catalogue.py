"""Where each kind of provider lives; a new one is a module and a line here."""

from functools import cache
from importlib import import_module
from typing import cast

from apps.agents.providers.base import Provider

PROVIDERS = {"builtin": "apps.agents.providers.builtin.Builtin"}


class UnknownProvider(LookupError):
    """No provider of that name is in the catalogue."""


@cache
def load(name: str) -> Provider:
    """The process's one instance of a provider; its module is imported at first use."""
    if name not in PROVIDERS:
        raise UnknownProvider(f"There is no provider named {name!r}. Known: {', '.join(sorted(PROVIDERS))}.")
    module, _, attribute = PROVIDERS[name].rpartition(".")
    return cast(Provider, getattr(import_module(module), attribute)())
