"""Rows of every tenant-owned model, found from the models themselves, with a marker wherever words fit."""

import json
import secrets
import uuid
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.utils import timezone
from pgvector.django import VectorField

from apps.knowledge import vectors
from apps.tenants import sealing
from apps.tenants.owned import TenantForeignKey, TenantOwned

Model = type[models.Model]
Rows = dict[Model, Any]

# Where any text would not do, because somebody reads the row before it is looked at: a sweep, a worker, a page.
FIXED: dict[str, Any] = {
    "agents.Agent.model": "",
    "agents.Widget.color": "#2b57c9",
    "agents.Agent.version": 1,
    "agents.Budget.tokens": 10**9,
    "agents.Draft.model": "",
    "agents.Version.model": "",
    "agents.Version.number": 1,
    "chats.Chat.last_seq": 1,
    "chats.Chat.last_exchange": 1,
    "chats.ContentChat.number": 1,
    "chats.ContentChat.state": "completed",
    "chats.ContentChat.reason": "",
    "chats.ContentChat.usage": dict,
    "chats.Event.seq": 1,
    "chats.Event.type": "message",
    "knowledge.Knowledge.status": "ready",
    "knowledge.Calibration.threshold": 0.0,
    "knowledge.Passage.embedder": vectors.wanted,
    "knowledge.Passage.language": "english",
    "knowledge.Term.language": "english",
    "tenants.Membership.role": "staff",
    "tenants.Credential.provider": lambda: secrets.token_hex(8),
}


class Unplantable(TypeError):
    """No value is known for this field: add its kind to planting.py."""


@cache
def owned_models() -> tuple[Model, ...]:
    """Every tenant-owned model, each after those that it refers to."""
    found = [model for model in apps.get_models() if issubclass(model, TenantOwned)]
    ordered: list[Model] = []
    while found:
        ready = [model for model in found if not _awaited(model) & set(found) - {model}]
        assert ready, f"These models refer to each other in a circle: {found}"
        ordered += ready
        found = [model for model in found if model not in ready]
    return tuple(ordered)


def _awaited(model: Model) -> set[Model]:
    return {field.related_model for field in model._meta.fields if isinstance(field, TenantForeignKey)}


def plant(marker: str, visitor: str, user: Any, ids: dict[Model, uuid.UUID]) -> Rows:
    """One row of every tenant-owned model in the tenant in scope, each referring to the others of its set; `ids` says what some
    are called. Raises Unplantable."""
    rows: Rows = {}
    with transaction.atomic(), transaction.atomic(using="vectors"):
        for model in owned_models():
            row = model(**dict(_values(model, rows, marker, user)))
            row.pk = ids.get(model, row.pk)
            _suit(row, marker, visitor)
            model._default_manager.bulk_create([row])
            rows[model] = row
    return rows


def _suit(row: Any, marker: str, visitor: str) -> None:
    """What one field says of another."""
    label = row._meta.label
    if hasattr(row, "visitor"):
        row.visitor = visitor
    if label == "chats.ContentChat":
        row.cuts = [len(row.response)]
    elif label == "chats.Event":
        row.body = {"exchange": 1, "client_message_id": marker, "from": "visitor", "text": marker}
    elif label == "tenants.Credential":
        row.sealed = sealing.seal(json.dumps({"api_key": marker}))


def _values(model: Model, rows: Rows, marker: str, user: Any) -> Iterator[tuple[str, Any]]:
    for field in model._meta.concrete_fields:
        name = f"{model._meta.label}.{field.name}"
        if name in FIXED:
            yield field.name, FIXED[name]() if callable(FIXED[name]) else FIXED[name]
        elif not (field.primary_key or field.name == "tenant_id" or isinstance(field, models.GeneratedField)):
            value = _value(field, rows, marker, user, name)
            if value is not _DEFAULT:
                yield field.name, value


_DEFAULT = object()


def _value(field: Any, rows: Rows, marker: str, user: Any, name: str) -> Any:
    if isinstance(field, models.ForeignKey):
        return _reference(field, rows, user, name)
    if isinstance(field, models.UUIDField):
        return _by_name(field, rows)
    if isinstance(field, models.EmailField):
        return f"{marker}-{secrets.token_hex(3)}@canary.invalid"
    if isinstance(field, models.CharField | models.TextField) and not field.choices:
        return _words(field, marker)
    if isinstance(field, models.JSONField):
        return {"canary": marker} if field.default is dict else _DEFAULT
    if isinstance(field, models.BinaryField):
        return marker.encode()
    if isinstance(field, VectorField):
        return [0.1] * (field.dimensions or 1)
    if field.has_default() or field.null:
        return _DEFAULT
    return _plain(field, name)


def _plain(field: Any, name: str) -> Any:
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, models.BooleanField):
        return False
    if isinstance(field, models.DateTimeField):
        return timezone.now() - timedelta(seconds=secrets.randbelow(10**6) / 10**3)
    if isinstance(field, models.DateField):
        return timezone.now().date()
    if isinstance(field, models.DurationField):
        return timedelta(days=1)
    if isinstance(field, models.IntegerField | models.FloatField | models.DecimalField):
        return 1
    if isinstance(field, ArrayField):
        return []
    raise Unplantable(f"{name} ({type(field).__name__})")


def _words(field: Any, marker: str) -> Any:
    """The marker and some chance, since it may have to be the only one of its kind; only chance where that does not fit."""
    longest = field.max_length or 10_000
    if longest >= len(marker):
        return f"{marker}-{secrets.token_hex(4)}"[:longest]
    return _DEFAULT if field.has_default() else secrets.token_hex(32)[:longest]


def _reference(field: Any, rows: Rows, user: Any, name: str) -> Any:
    if field.related_model in rows:
        return rows[field.related_model]
    if field.related_model is get_user_model():
        return user
    if field.null:
        return None
    raise Unplantable(f"{name} ({field.related_model._meta.label})")


def _by_name(field: Any, rows: Rows) -> Any:
    """`knowledge_id` is that of the set's knowledge, also where no database checks it."""
    named = [row.id for model, row in rows.items() if f"{model._meta.model_name}_id" == field.name]
    return named[0] if named else (_DEFAULT if field.null or field.has_default() else uuid.uuid4())


def names_of(models_found: Iterable[Model]) -> dict[str, Model]:
    """What fields and parameters call a model: its own name, and that of every reference to it."""
    found: dict[str, Model] = {}
    for model in models_found:
        for field in model._meta.fields:
            if isinstance(field, TenantForeignKey):
                found.setdefault(field.name, field.related_model)
    for model in models_found:
        found[str(model._meta.model_name)] = model
    return found
