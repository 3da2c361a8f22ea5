"""How a request or a frame is made for one tenant, so that the same can be made for the other: ids are named, not written out."""

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.apps import apps
from django.utils import timezone

from chatwithus.isolation.addresses import Route
from chatwithus.isolation.canary import Canary
from chatwithus.isolation.planting import Model, names_of, owned_models

# What fields and parameters call things beside the models' own names.
ALIASES = {
    "session": "chats.Chat",
    "model": "agents.Agent",
    "key": "tenants.ApiKey",
    "member": "tenants.Membership",
    "source": "knowledge.Knowledge",
    "people": "tenants.Membership",
}
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


class Ref(NamedTuple):
    """The id of a row of this model in the set that is used, or another of its fields; of models that are not tenant-owned, the
    tenant's and its owner's entry."""

    model: Model
    field: str = "pk"

    def of(self, canary: Canary) -> str:
        if self.model in canary.rows:
            return str(getattr(canary.rows[self.model], self.field))
        if self.model is apps.get_model("tenants.Tenant"):
            return str(canary.tenant.pk)
        if self.model is apps.get_model("auth.User"):
            return str(canary.user.pk)
        return "1"


@dataclass(frozen=True, slots=True)
class Body:
    """A body with `Ref`s where ids go; `marker` is the marker of whoever it was made for."""

    kind: str
    content: Any
    marker: str = ""

    def made_for(
        self, canary: Canary, *, swapped: dict[str, str] | None = None, added: dict[str, str] | None = None
    ) -> bytes:
        """For this canary; `swapped` says by field whose id to write instead, `added` what to write beside."""
        told = _resolved(self.content, self, canary, swapped or {}, "")
        if self.kind == "application/json":
            return json.dumps({**told, **(added or {})} if isinstance(told, dict) else told).encode()
        return urlencode([*told, *(added or {}).items()]).encode()

    @property
    def slots(self) -> list[tuple[str, Model]]:
        """The fields that take ids."""
        return list(dict.fromkeys(_slots(self.content, "")))


@dataclass(frozen=True, slots=True)
class Recipe:
    """A request that its owner was answered well."""

    route: Route
    method: str
    door: str
    values: dict[str, Any]
    body: Body | None
    status: int
    leads_to: str

    @property
    def is_about_rows(self) -> bool:
        """Whether its address names something that a tenant owns."""
        return any(isinstance(value, Ref) and value.field == "pk" for value in self.values.values())

    def path(self, canary: Canary) -> str:
        return self.route.filled({name: spelt(value, canary) for name, value in self.values.items()})

    def headers(self) -> dict[str, str]:
        return {"content-type": self.body.kind} if self.body else {}


def spelt(value: Any, canary: Canary) -> str:
    return value.of(canary) if isinstance(value, Ref) else str(value)


def is_id(value: Any) -> bool:
    """Whether it is written out, as no id in a recipe should be."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def names() -> dict[str, Model]:
    found = names_of(owned_models())
    return found | {alias: apps.get_model(label) for alias, label in ALIASES.items()}


def guess(name: str, known: dict[str, Model]) -> Model | None:
    """The model that a field or parameter of this name means."""
    for spelling in (
        name,
        name.removesuffix("_id"),
        name.removesuffix("_ids"),
        name.removesuffix("s"),
        name.removesuffix("ies") + "y",
    ):
        if spelling in known:
            return known[spelling]
    return None


def sampled(schema: dict[str, Any], document: dict[str, Any], known: dict[str, Model], name: str = "") -> Any:
    """A value that fits a JSON schema, with `Ref`s for ids. Raises LookupError for an id of nobody knows what."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return sampled(
                next(one for one in schema[choice] if one.get("type") != "null"), document, known, name
            )
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {
            field: sampled(one, document, known, field) for field, one in schema.get("properties", {}).items()
        }
    if kind == "array":
        return [sampled(schema.get("items", {}), document, known, name)]
    if kind == "string":
        return _text(schema, known, name)
    return {"integer": max(1, int(schema.get("minimum", 1))), "number": 1.0, "boolean": False}.get(kind)


def _text(schema: dict[str, Any], known: dict[str, Model], name: str) -> Any:
    shape = schema.get("format")
    if shape == "uuid":
        model = guess(name, known)
        if model is None:
            raise LookupError(f"of what {name} is an id")
        return Ref(model)
    chance = secrets.token_hex(4)
    shaped = {
        "email": f"{chance}@canary.invalid",
        "date-time": (timezone.now() + timedelta(days=7)).isoformat(),
        "date": timezone.now().date().isoformat(),
        "uri": "https://canary.invalid",
    }
    return shaped.get(shape or "", f"canary {chance}"[: schema.get("maxLength", 100)])


def templated(example: Any, known: dict[str, Model], name: str = "") -> Any:
    """An example of the document, with `Ref`s where it shows ids and a fresh e-mail address where it shows one."""
    if isinstance(example, dict):
        return {field: templated(value, known, field) for field, value in example.items()}
    if isinstance(example, list):
        return [templated(value, known, name) for value in example]
    if isinstance(example, str) and _UUID.fullmatch(example):
        model = guess(name, known)
        if model is None:
            raise LookupError(f"of what {name} is an id")
        return Ref(model)
    if isinstance(example, str) and "@" in example and name == "email":
        return f"{secrets.token_hex(4)}@canary.invalid"
    return (
        example.replace("…", secrets.token_hex(4)) if isinstance(example, str) else example
    )  # what it leaves out


def _resolved(content: Any, body: Body, canary: Canary, swapped: dict[str, str], name: str) -> Any:
    if isinstance(content, Ref):
        return swapped.get(name) or content.of(canary)
    if isinstance(content, dict):
        return {field: _resolved(value, body, canary, swapped, field) for field, value in content.items()}
    if isinstance(content, tuple):
        return (content[0], _resolved(content[1], body, canary, swapped, content[0]))
    if isinstance(content, list):
        return [_resolved(value, body, canary, swapped, name) for value in content]
    return (
        content.replace(body.marker, canary.marker) if isinstance(content, str) and body.marker else content
    )


def _slots(content: Any, name: str) -> Iterator[tuple[str, Model]]:
    if isinstance(content, Ref):
        yield name, content.model
    elif isinstance(content, dict):
        for field, value in content.items():
            yield from _slots(value, field)
    elif isinstance(content, tuple):
        yield from _slots(content[1], content[0])
    elif isinstance(content, list):
        for value in content:
            yield from _slots(value, name)
