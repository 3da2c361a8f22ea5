from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.agents import prices
from apps.agents.models import Agent, Call, Price, Version
from apps.tenants import actors
from apps.tenants.admin import ReadOnlyAdmin, operator


@admin.register(Agent)
class AgentAdmin(ReadOnlyAdmin):
    list_display = ("name", "provider", "model", "created_at")


@admin.register(Version)
class VersionAdmin(ReadOnlyAdmin):
    list_display = ("agent", "number", "provider", "model", "published_by", "published_at")


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    list_display = ("at", "agent", "provider", "model", "input_tokens", "output_tokens", "cost", "failure")


@admin.register(Price)
class PriceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """What the operator pays; calls that were counted keep what they cost then."""

    list_display = ("pattern", "input", "output")

    def save_model(self, request: HttpRequest, obj: Price, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self._tell(request, "price.set", obj)

    def delete_model(self, request: HttpRequest, obj: Price) -> None:
        self._tell(request, "price.dropped", obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Price]) -> None:
        """One by one, so that each is told of."""
        with transaction.atomic():
            for price in queryset:
                self.delete_model(request, price)

    def _tell(self, request: HttpRequest, action: str, price: Price) -> None:
        with actors.acting(operator(request)):
            prices.tell(action, price)
