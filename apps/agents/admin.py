from django.contrib import admin

from apps.agents.models import Agent
from apps.tenants.admin import TenantOwnedAdmin


@admin.register(Agent)
class AgentAdmin(TenantOwnedAdmin):
    list_display = ("name", "provider", "model", "created_at")
