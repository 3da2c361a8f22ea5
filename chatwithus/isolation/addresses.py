"""Every address that Django and Channels answer, read from their own tables."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.admin import ModelAdmin
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

from apps.tenants.owned import TenantOwned

_PARAMETER = re.compile(r"<(?:(?P<kind>[^<>:]+):)?(?P<name>\w+)>")
_GROUP = re.compile(r"\(\?P<(?P<name>\w+)>(?P<what>(?:[^()]|\([^()]*\))*)\)")


@dataclass(frozen=True)
class Route:
    """`template` is the address as the URLconf has it, `view` what answers there."""

    template: str
    view: Any

    @cached_property
    def path(self) -> str:
        """The address with `{name}` for each parameter."""
        plain = _PARAMETER.sub(r"{\g<name>}", _GROUP.sub(r"{\g<name>}", self.template))
        return "/" + plain.replace("^", "").replace("$", "").replace("\\Z", "").replace("\\", "")

    @cached_property
    def parameters(self) -> dict[str, str]:
        """By name, its kind: a converter's name, or a regular expression."""
        groups = {match["name"]: match["what"] for match in _GROUP.finditer(self.template)}
        plain = _GROUP.sub("", self.template)
        return groups | {match["name"]: match["kind"] or "str" for match in _PARAMETER.finditer(plain)}

    @property
    def operations(self) -> list[Any]:
        """What django-ninja answers here; empty for other views."""
        owner = getattr(self.view, "__closure__", None) and _closed_over(self.view).get("self")
        return list(getattr(owner, "operations", ()))

    @property
    def admin_model(self) -> type[models.Model] | None:
        """The model whose pages of the operator's admin these are."""
        admin = getattr(self.view, "model_admin", None)
        return admin.model if isinstance(admin, ModelAdmin) else None

    @property
    def is_admin(self) -> bool:
        return self.path.startswith("/admin/")

    @property
    def is_register(self) -> bool:
        """The operator's own pages: users and tenants themselves, and the admin's frame, which belong to no tenant. A page
        without a model that takes the id of something is none of them."""
        if self.admin_model is not None:
            return self.is_admin and not issubclass(self.admin_model, TenantOwned)
        return self.is_admin and "uuid" not in self.parameters.values()

    def filled(self, values: dict[str, str]) -> str:
        return self.path.format(**values)


def routes() -> list[Route]:
    """Of the URLconf in force, each address once."""
    found = {route.template: route for route in _routes(get_resolver().url_patterns, "")}
    return list(found.values())


def _routes(patterns: Iterable[URLPattern | URLResolver], prefix: str) -> Iterator[Route]:
    for pattern in patterns:
        template = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, template)
        else:
            yield Route(template, pattern.callback)


def sockets() -> list[tuple[Route, Any]]:
    """The paths of sockets with the consumer behind each door; None where there is none."""
    from consumers import routing

    found: list[Any] = list(routing.sockets.routes)
    return [(Route(str(one.pattern), one.callback), consumer_behind(one.callback)) for one in found]


def consumer_behind(application: Any) -> Any:
    """The consumer's class, through however many doors and middlewares."""
    seen: set[int] = set()
    waiting = [application]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if found := getattr(one, "consumer_class", None):
            return found
        inner = [*_closed_over(one).values(), getattr(one, "inner", None), getattr(one, "application", None)]
        waiting += [each for each in inner if callable(each)]
    return None


def frame_types(consumer: Any) -> list[str]:
    return sorted(
        name.removeprefix("on_")
        for name in dir(consumer)
        if name.startswith("on_") and callable(getattr(consumer, name))
    )


def _closed_over(function: Any) -> dict[str, Any]:
    cells = getattr(function, "__closure__", None) or ()
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    return {name: cell.cell_contents for name, cell in zip(names, cells, strict=False) if _is_set(cell)}


def _is_set(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
