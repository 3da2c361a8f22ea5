"""What is set aside in the proving process, and in no other: the Python wall for the second pass, and limits, which would answer
429 where a leak might be."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import models
from django.test.utils import override_settings

from apps.tenants import caps, limits
from apps.tenants.owned import TenantManager, TenantOwned


@contextmanager
def python_wall_down() -> Iterator[None]:
    """Managers filter nothing and saving checks nothing: PostgreSQL alone must hold."""
    wall = TenantManager.get_queryset, TenantOwned.save
    TenantManager.get_queryset = _everything  # type: ignore[method-assign, assignment]
    TenantOwned.save = models.Model.save  # type: ignore[method-assign]
    try:
        yield
    finally:
        TenantManager.get_queryset, TenantOwned.save = wall  # type: ignore[method-assign]


def _everything(manager: Any) -> Any:
    return models.Manager.get_queryset(manager)


@contextmanager
def no_limits() -> Iterator[None]:
    with override_settings(LIMITS=dict.fromkeys([*limits.LIMITS, *caps.CAPS], (0, 0.0))):
        yield
