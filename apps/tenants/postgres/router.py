"""Which of the two databases a model lives in: a model that says `database = "vectors"` in its class, or the default."""

from typing import Any

from django.apps import apps
from django.db import models


class VectorRouter:
    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        return _home(model)

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        return _home(model)

    def allow_relation(self, one: models.Model, other: models.Model, **hints: Any) -> bool:
        return _home(type(one)) == _home(type(other))

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool:
        if model_name is None:
            return db == "default"
        try:
            return _home(apps.get_model(app_label, model_name)) == db
        except LookupError:
            return db == "default"


def _home(model: type[models.Model]) -> str:
    return str(getattr(model, "database", "default"))
