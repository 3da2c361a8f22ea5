from django.contrib import admin

from apps.agents.models import Agent, Call, Price, Version
from apps.tenants.admin import ReadOnlyAdmin


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
