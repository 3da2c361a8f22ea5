from django.contrib import admin

from apps.knowledge.models import Knowledge
from apps.tenants.admin import ReadOnlyAdmin


@admin.register(Knowledge)
class KnowledgeAdmin(ReadOnlyAdmin):
    list_display = ("name", "category", "status", "passages", "updated_at")
